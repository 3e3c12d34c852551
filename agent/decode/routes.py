"""Versions of models that neither the answer nor a known path names, but the settings do.

Rule: `routes` say a version, or where in the path it stands; the first template that fits decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from agent.decode.names import REMEMBERED, version_in
from agent.decode.payload import Payload
from agent.templates import pattern


class RouteVersions:
    """Of the routes that are described."""

    def __init__(self, routes: Sequence[tuple[str, str]] = ()) -> None:
        """`routes`: each a template and the version that it serves; empty: as its path says."""
        self._templates = [(pattern(template), version) for template, version in routes]
        self._is_any = any(version or "{version}" in template for template, version in routes)
        self._remembered = lru_cache(maxsize=1024)(self._find)

    def of(self, target: bytes) -> str:
        """The version of a request's target; empty if none is known."""
        if not self._is_any:
            return ""
        return self._remembered(target) if len(target) <= REMEMBERED else self._find(target)

    def complete(self, payload: Payload, target: bytes) -> Payload:
        """The payload of a request with its version, if it has none and one is known."""
        version = "" if payload.version else self.of(target)
        return replace(payload, version=version) if version else payload

    def _find(self, target: bytes) -> str:
        path = target.partition(b"?")[0].decode("latin-1")
        for template, version in self._templates:
            found = template.fullmatch(path)
            if found is not None:
                written = found.groupdict().get("version", "")
                return version or version_in(written.encode("latin-1"))
        return ""
