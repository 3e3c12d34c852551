"""What cannot be known from messages, but the settings say of their path.

Rule: the first template that fits decides. A dialect is taken as said; names go to columns that
have none; a version counts where neither the answer nor a known path names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from agent.config import Config
from agent.decode.names import REMEMBERED, version_in
from agent.decode.payload import Columns, Payload
from agent.templates import pattern


class Route(Struct, frozen=True):
    """What is said of the paths of a template; empty: found out."""

    path: str
    version: str = ""
    dialect: str = ""
    columns: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def routes_of(config: Config) -> Routes:
    """What the settings describe."""
    return Routes(
        [
            Route(said.path, said.version or "", said.dialect or "", said.columns, said.outputs)
            for said in config.routes
        ]
    )


_UNTOLD = Route("")
_NAMELESS = frozenset(("input", "output", "instances", "inputs", "predictions", "outputs"))
"""What dialects call one value a row."""


class Routes:
    """Those that are described."""

    def __init__(self, routes: Sequence[Route] = ()) -> None:
        self._templates = [(pattern(route.path), route) for route in routes]
        self._remembered = lru_cache(maxsize=1024)(self._find)

    def version(self, target: bytes) -> str:
        """The version of a request's target; empty if none is known."""
        return self._of(target).version

    def dialect(self, target: bytes) -> str:
        """The dialect that is said for it, or empty."""
        return self._of(target).dialect

    def complete(self, payload: Payload, target: bytes) -> Payload:
        """The payload of a request with what is known of its target."""
        route = self._of(target)
        if route is _UNTOLD:
            return payload
        if route.columns or route.outputs:
            inputs = renamed(payload.inputs, route.columns)
            payload = replace(
                payload, inputs=inputs, outputs=renamed(payload.outputs, route.outputs)
            )
        version = "" if payload.version else route.version
        return replace(payload, version=version) if version else payload

    def _of(self, target: bytes) -> Route:
        if not self._templates:
            return _UNTOLD
        return self._remembered(target) if len(target) <= REMEMBERED else self._find(target)

    def _find(self, target: bytes) -> Route:
        path = target.partition(b"?")[0].decode("latin-1")
        for template, route in self._templates:
            found = template.fullmatch(path)
            if found is not None:
                written = found.groupdict().get("version", "")
                version = route.version or version_in(written.encode("latin-1"))
                return replace(route, version=version)
        return _UNTOLD


def renamed(columns: Columns, names: Sequence[str]) -> Columns:
    """Columns without names of their own under these, in order; as they are if they have names or
    are not as many.

    A client that sends names is believed: rows that are told apart by name are never mixed up.
    """
    if not names or len(columns) != len(names) or not _are_numbered(columns):
        return columns
    return dict(zip(names, columns.values(), strict=True))


def _are_numbered(columns: Columns) -> bool:
    """Whether they are the values of one list, `x-0`, `x-1`, …, or one value without a name."""
    first = next(iter(columns))
    if len(columns) == 1 and first in _NAMELESS:
        return True
    stem = first.removesuffix("0")
    return stem[-1:] == "-" and all(name == f"{stem}{n}" for n, name in enumerate(columns))
