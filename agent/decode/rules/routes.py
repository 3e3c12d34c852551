"""What cannot be known from messages, but the settings say of their path.

Rule: the first template that fits decides. A dialect is taken as said; names go to columns that
have none; a version counts where neither the answer nor a known path names one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import replace

from agent.config import Config
from agent.decode.names import REMEMBERED, version_in
from agent.decode.payload import Columns, Payload, numbered
from agent.decode.rules.ready import Rules, rules_of
from agent.decode.rules.shaping import Unwanted, other_names
from agent.settings import routing
from agent.settings.signatures import Signature, signature
from agent.settings.templates import pattern


class Route(Struct, frozen=True):
    """What is said of the paths of a template; empty: found out."""

    path: str
    version: str = ""
    dialect: str = ""
    columns: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Other names, by the ones that columns have."""
    unwanted: tuple[Unwanted, Unwanted] | None = None
    """Of inputs and outputs."""
    rules: Rules | None = None
    """What is more than names."""


UNTOLD = Route("")
NAMELESS = frozenset(("input", "output", "instances", "inputs", "predictions", "outputs"))
"""What dialects call one value a row."""


def routes_of(config: Config) -> Routes:
    """What the settings describe."""
    return Routes([*map(_route, config.routes)])


def _route(said: routing.Route) -> Route:
    by_name = [one for one in said.ignore if not one.steps]
    inputs, outputs = _signature(said.signature)
    return Route(
        said.path,
        said.version or "",
        said.dialect or "",
        () if isinstance(said.columns, str) else said.columns or inputs,
        () if isinstance(said.outputs, str) else said.outputs or outputs,
        said.names,
        (Unwanted(by_name, "input"), Unwanted(by_name, "output")) if by_name else None,
        rules_of(said),
    )


def _signature(path: str | None) -> Signature:
    """The names of a file that was checked at start; none if it is gone since."""
    try:
        return signature(path) if path is not None else Signature((), ())
    except ValueError:
        return Signature((), ())


class Routes:
    """Those that are described."""

    def __init__(self, routes: Sequence[Route] = ()) -> None:
        self._templates = [(pattern(route.path), route) for route in routes]
        self._remembered = lru_cache(maxsize=1024)(self._find)

    def version(self, target: bytes) -> str:
        """The version of a request's target; empty if none is known."""
        return self.of(target).version

    def are_alone(self, target: bytes) -> bool:
        """Whether requests of a target are to be read one by one."""
        route = self.of(target)
        return bool(route.dialect) or not (route.rules is None or route.rules.are_of_columns)

    def complete(self, payload: Payload, target: bytes) -> Payload:
        """The payload of a request with what is known of its target's columns by name."""
        route = self.of(target)
        return payload if route is UNTOLD else wanted(named(payload, route), route)

    def of(self, target: bytes) -> Route:
        """What is said of a request's target, or UNTOLD."""
        if not self._templates:
            return UNTOLD
        return self._remembered(target) if len(target) <= REMEMBERED else self._find(target)

    def _find(self, target: bytes) -> Route:
        path = target.partition(b"?")[0].decode("latin-1")
        for template, route in self._templates:
            found = template.fullmatch(path)
            if found is not None:
                written = found.groupdict().get("version", "")
                version = route.version or version_in(written.encode("latin-1"))
                return replace(route, version=version)
        return UNTOLD


def named(payload: Payload, route: Route) -> Payload:
    """With the version, and with the names that the route gives to columns."""
    inputs, outputs = payload.inputs, payload.outputs
    if route.columns or route.outputs:
        inputs, outputs = renamed(inputs, route.columns), renamed(outputs, route.outputs)
    if route.names:
        inputs, outputs = other_names(inputs, route.names), other_names(outputs, route.names)
    version = payload.version or route.version
    if inputs is payload.inputs and outputs is payload.outputs and version == payload.version:
        return payload
    return replace(payload, inputs=inputs, outputs=outputs, version=version)


def wanted(payload: Payload, route: Route) -> Payload:
    """Without the columns that are ignored by their names."""
    if route.unwanted is None:
        return payload
    of_inputs, of_outputs = route.unwanted
    inputs, outputs = of_inputs.without(payload.inputs), of_outputs.without(payload.outputs)
    return replace(payload, inputs=inputs, outputs=outputs)


def renamed(columns: Columns, names: Sequence[str]) -> Columns:
    """Columns without names of their own under these, in order; as they are if they have names or
    are not as many.

    A client that sends names is believed: rows that are told apart by name are never mixed up.
    """
    if not names or len(columns) != len(names) or not are_numbered(columns):
        return columns
    return dict(zip(names, columns.values(), strict=True))


def are_numbered(columns: Columns) -> bool:
    """Whether they are the values of one list, `x-0`, `x-1`, …, or one value without a name."""
    first = next(iter(columns), "")
    if len(columns) == 1 and first in NAMELESS:
        return True
    stem = first.removesuffix("-0")
    return stem != first and tuple(columns) == numbered(stem, len(columns))
