"""What the settings say of a route that is more than names, made ready.

Rule: it is made once; `agent.decode.rules.reading` follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from agent.decode.rules import values
from agent.decode.rules.walk import Steps
from agent.settings.expressions import Place
from agent.settings.routing import Route
from agent.settings.selectors import JsonPath

_COLUMNS = ("", "input", "output")


class Ignores(NamedTuple):
    """Paths of what is taken out of documents before they become columns."""

    request: tuple[Steps, ...]
    response: tuple[Steps, ...]


class Rules(NamedTuple):
    """Of one route."""

    columns: Steps | None
    """Where the request has names of its inputs."""
    outputs: Steps | None
    """Where the answer has names of its outputs."""
    extra: Mapping[str, Place]
    ignores: Ignores | None
    values: tuple[values.Rule, ...]

    @property
    def are_of_columns(self) -> bool:
        """Whether they need nothing of an exchange but its columns."""
        others = (self.columns, self.outputs, self.extra, self.ignores)
        return not any(others) and all(one.of in _COLUMNS for _, one, _ in self.values)


def rules_of(said: Route) -> Rules | None:
    """None if nothing is said of all this."""
    paths = [one for one in said.ignore if one.steps]
    ignores = Ignores(
        tuple(one.steps for one in paths if one.of in ("", "request")),
        tuple(one.steps for one in paths if one.of in ("", "response")),
    )
    made = Rules(
        _steps(said.columns),
        _steps(said.outputs),
        said.extra,
        ignores if paths else None,
        values.rules_of(said.values),
    )
    return made if any(made) else None


def _steps(names: object) -> Steps | None:
    return JsonPath(names).steps if isinstance(names, str) else None
