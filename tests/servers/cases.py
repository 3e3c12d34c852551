"""What a sidecar that knows nothing must find before each example's server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Case(NamedTuple):
    """One example: a folder of `examples/`."""

    name: str
    ready: str
    """A path that answers 200 once the server has its model."""
    dialects: Mapping[str, set[str]]
    """Of each route that the client asks."""
    columns: Mapping[str, tuple[set[str], set[str]]]
    """Of each model, "" if requests name none: its inputs and outputs."""


CASES = [
    Case(
        "fastapi",
        "/docs",
        {"/predict": {"tabular"}, "/predict/batch": {"tabular"}},
        {
            "": (
                {"age", "income", "home.city", "home.rooms", "debts-0", "debts-1"},
                {"label", "score"},
            )
        },
    ),
]
