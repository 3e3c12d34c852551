"""Rules of what is said of a route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.config import Config
from agent.settings.redaction import ALWAYS
from agent.settings.routing import Route
from agent.settings.selectors import JsonPath
from agent.settings.signatures import signature

MOST = 32
"""Of `extra` and of `values` each."""
MOST_NAMES = 1000
MOST_IGNORED = 64
Broken = tuple[str, str, str]
"""As in `agent.settings.rules`."""


def broken(route: Route, place: str, config: Config) -> Iterator[Broken]:
    """Every rule that a route, which stands at `place`, breaks."""
    for key, columns in (("columns", route.columns), ("outputs", route.outputs)):
        yield from _columns(columns, f"{place}.{key}")
    yield from _names(list(route.names.values()), f"{place}.names")
    if route.signature is not None:
        try:
            signature(route.signature)
        except ValueError as error:
            yield f"{place}.signature", repr(route.signature), str(error)
    most = {"names": MOST_NAMES, "extra": MOST, "ignore": MOST_IGNORED, "values": MOST}
    for key, limit in most.items():
        count = len(getattr(route, key))
        if count > limit:
            yield f"{place}.{key}", f"{count} of them", f"{limit} at most"
        if count and config.observe != "all":
            yield f"{place}.{key}", f"observe: {config.observe}", "needs bodies: observe: all"
    for name, of in route.extra.items():
        if of.of in ("input", "output", ""):
            remedy = "is a column already: give it another name by `names`"
            yield f"{place}.extra.{name}", repr(str(of)), remedy
    shown = [("extra", *item) for item in route.extra.items()]
    for key, name, of in (*shown, *(("values", *item) for item in route.values.items())):
        if of.of == "header" and of.name in _hidden(config):
            remedy = "this header is never shown, by redact or always: take another"
            yield f"{place}.{key}.{name}", repr(str(of)), remedy


def _columns(columns: Sequence[str], place: str) -> Iterator[Broken]:
    if not isinstance(columns, str):
        yield from _names(columns, place)
        return
    try:
        JsonPath(columns)
    except ValueError as error:
        yield place, repr(columns), str(error)


def _names(names: Sequence[str], place: str) -> Iterator[Broken]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield place, repr(twice), "a name is of one column: name each once"


def _hidden(config: Config) -> set[str]:
    said = {rule.header.lower() for rule in config.redact.rules if rule.header}
    return said | {name.decode() for name in ALWAYS}
