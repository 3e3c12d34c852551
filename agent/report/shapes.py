"""What the pages of a sidecar must look like where a report draws from them as they are.

Rule: further members are nobody's harm, wrong ones are a `msgspec.ValidationError`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from agent.drift.pictures.bins import Bin
from agent.drift.pictures.quantiles import Quantiles
from agent.report.content import Pair

T = TypeVar("T")


class Both(Struct):
    """Quantiles of both sides."""

    reference: Quantiles
    now: Quantiles


class Picture(Struct):
    """`/api/v1/drift/column`."""

    bins: list[Bin]
    rows: int
    now_rows: int
    missing: Pair
    invalid: Pair
    now_of: str
    measure: str = ""
    quantiles: Both | None = None


class PredictedBin(Struct):
    """Of a histogram of `/api/v1/predictions`."""

    now: float
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    label: str = ""


class Output(Struct):
    """One histogram of it."""

    model: str
    version: str
    output: str
    kind: str
    bins: list[PredictedBin]
    rows: int
    mean: float | None = None
    of: str = ""


class Predictions(Struct):
    """All of it."""

    outputs: list[Output]


class Route(Struct):
    """Of `/api/v1/overview`."""

    route: str
    model: str | None = None
    requests: int | None = None
    error_ratio: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


class Overview(Struct):
    """What is used of it."""

    now: dict[str, Any] = {}
    day: dict[str, Any] = {}
    routes: list[Route] = []
    load: dict[str, Any] | None = None


class Happened(Struct):
    """An event of `/api/v1/history`."""

    at: float
    kind: str
    text: str


class Ratios(Struct):
    """A column of it."""

    model: str
    version: str
    side: str
    name: str
    ratio: list[float | None]


class History(Struct):
    """What is used of it."""

    from_: float = msgspec.field(name="from")
    step_seconds: float = 60.0
    drift: list[Ratios] = []
    events: list[Happened] = []


def checked(page: T, shape: type) -> T:
    """The page, if it is there and of this shape. Raises msgspec.ValidationError."""
    if page is not None:
        msgspec.convert(page, shape)
    return page
