"""From a raw target to a bounded route and model name, for labels.

Rule: pure, and cheap after the first time: a worker asks once a path and remembers a bounded
number of answers. Ids never become labels: a segment that looks like one becomes `{id}`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.settings.templates import is_everything, pattern

REMEMBERED = 4096
"""Paths; past it the memory starts anew."""
MAX_PATH = 1024
"""Bytes of a path that are looked at; a longer one is not remembered."""
MAX_ROUTE = 120
MAX_MODEL = 64
"""Characters; longer ones are cut, so that a row's key has room for all labels."""


class Route(NamedTuple):
    """The bounded template of a path, and the model that the path names (or "")."""

    route: str
    model: str


KNOWN = (
    "/v1/models/{model}:predict",
    "/v1/models/{model}:explain",
    "/v1/models/{model}:classify",
    "/v1/models/{model}:regress",
    "/v1/models/{model}/versions/{version}:predict",
    "/v1/models/{model}",
    "/v2/models/{model}/infer",
    "/v2/models/{model}/generate",
    "/v2/models/{model}/generate_stream",
    "/v2/models/{model}/ready",
    "/v2/models/{model}",
    "/v2/models/{model}/versions/{version}/infer",
    "/v2/models/{model}/versions/{version}",
    "/predictions/{model}",
    "/predictions/{model}/{version}",
    "/explanations/{model}",
)
"""Paths of KServe V1, Open Inference Protocol, TensorFlow Serving and TorchServe."""

_ID = re.compile(
    r"\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}"
    r"|(?=[^/]*\d)[A-Za-z0-9_-]{20,}"
    r"|.*(?:@|%40).*|eyJ[\w.-]+|(?:\+|%2[Bb])?\d(?:(?:[ .()-]|%20)?\d){8,}|(?:\d+\.){3}\d+"
    r"|[A-Za-z]{2}\d{2}(?:(?: |%20)?[A-Za-z0-9]){11,30}"
)
"""Numbers, UUIDs, hashes, tokens; addresses, phones, cards and accounts: none is a label."""

_MODEL_ID = re.compile(r"^(?:.*(?:@|%40).*|eyJ[\w.-]+)$")
"""What is no model's name but a client's own: an e-mail address, a token."""


class Routes:
    """Answers `Route` for a raw target; templates from config come before the known ones."""

    def __init__(self, templates: Sequence[tuple[str, str]] = ()) -> None:
        """`templates`: each a template and the model that it belongs to, or ""."""
        known = [(template, "") for template in KNOWN]
        said = [(t, model) for t, model in templates if not is_everything(t)]
        self._templates = [(t, model, pattern(t)) for t, model in (*said, *known)]
        self._model = next((model for t, model in templates if model and is_everything(t)), "")
        self._memory: dict[bytes, Route] = {}

    def find(self, target: bytes) -> Route:
        """Route and model of a raw request target."""
        known = self._memory.get(target)
        if known is not None:
            return known
        path = target.partition(b"?")[0]
        known = self._memory.get(path)
        if known is None:
            known = self._work_out(path[:MAX_PATH])
            if len(path) <= MAX_PATH:
                if len(self._memory) >= REMEMBERED:
                    self._memory.clear()
                self._memory[path] = known
        return known

    def _work_out(self, raw: bytes) -> Route:
        path = raw.decode("latin-1")
        if "://" in path[:16]:
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        path = path.partition("#")[0].replace("\0", "")
        for template, model, compiled in self._templates:
            found = compiled.fullmatch(path)
            if found:
                model = model or _MODEL_ID.sub("{id}", found.groupdict().get("model", ""))
                model = model or self._model
                return Route(template[:MAX_ROUTE], model[:MAX_MODEL])
        segments = ["{id}" if _ID.fullmatch(s) else s for s in path.split("/")]
        return Route("/".join(segments)[:MAX_ROUTE], self._model[:MAX_MODEL])
