"""What a report says, as plain data: all its forms are made of it, and `--format json` is it.

Rule: no logic but what counts. Shares are 0 to 1, of rows; times are seconds since the epoch;
effects are in standard deviations of the reference. None: not known, or not of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

FORMAT = 1
"""Of the JSON: another number if a key changes its meaning or goes."""

State = Literal["insufficient", "stable", "drift"]
Kind = Literal["sidecar", "profiles", "data"]


class Pair(Struct, frozen=True):
    """Something in the reference and now."""

    reference: float | None = None
    now: float | None = None


class Example(Struct, frozen=True):
    """A request with a row in a bin that grew."""

    request_id: str
    trace_id: str | None = None
    bin: str = ""


class Past(Struct, frozen=True):
    """How far a column was beyond its threshold in the last day: above 1 it drifts."""

    began: float
    step_seconds: float
    ratio: list[float | None]
    """The greatest in each step; None: not known."""


class Event(Struct, frozen=True):
    """Something that happened in the last day."""

    at: float
    kind: str
    text: str


class Column(Struct, frozen=True, kw_only=True):
    """One column and its verdict."""

    name: str
    side: str
    kind: str
    state: State
    hashed: bool = False
    derived: bool = False
    """Computed of whole rows."""
    acknowledged: bool = False
    """Somebody knows of its drift and muted it."""
    since: float | None = None
    test: str = ""
    """What moved: `location`, `scale`, `missing`, `unseen`, a bin …; see docs/drift.md."""
    direction: str = ""
    effect: float | None = None
    score: float | None = None
    threshold: float | None = None
    """What the score must exceed."""
    p_value: float | None = None
    share: Pair | None = None
    """Of the rows, where the test is of a share."""
    psi: float | None = None
    rows: int = 0
    """That were judged."""
    missing: Pair = Pair()
    invalid: Pair = Pair()
    unseen: float | None = None
    """Share of rows now whose value the reference never had, or that lie outside its range."""
    missing_rose: bool = False
    """Missing or invalid by more than chance and half a point; or the column is not there."""
    note: str = ""
    examples: list[Example] = []
    picture: dict[str, Any] | None = None
    """As `/api/v1/drift/column` has it: bins, now_of, measure, quantiles."""
    past: Past | None = None
    """Of a sidecar's column in drift."""

    @property
    def excess(self) -> float:
        """Its score over its threshold."""
        return (self.score or 0.0) / (self.threshold or 1.0)


class Reference(Struct, frozen=True):
    """What was judged by."""

    hash: str
    rows: int
    source: str
    """given, learned, published; or a file's name."""
    ended: float | None = None
    """When its rows ended, or it was published; None: not known."""
    version: str = ""
    in_use_since: float | None = None
    """Of a sidecar's, if that was in the last day."""


class Model(Struct, frozen=True, kw_only=True):
    """One model in one version, or two samples that were compared."""

    name: str
    version: str
    state: State
    phase: str = ""
    reason: str = ""
    """Why nothing is judged, where it is so."""
    reference: Reference | None = None
    rows: int = 0
    """Now: of the largest column."""
    windows: int | None = None
    columns: list[Column] = []
    unexpected: list[str] = []
    """Names of columns that the reference has not."""
    caveats: list[str] = []
    performance: dict[str, Any] | None = None
    """Accuracy to be expected by the confidences of the last window, as `/api/v1/drift` has it."""
    predictions: list[dict[str, Any]] = []
    """As `/api/v1/predictions` has them."""


class Finding(Struct, frozen=True):
    """A silent failure behind a status of success."""

    model: str
    version: str
    finding: str
    active: bool
    since: str | None
    requests: int
    share: float
    where: str
    example: str
    means: str
    do: str


class Traffic(Struct, frozen=True):
    """The golden signals."""

    requests: int
    by_status: dict[str, int]
    uptime_seconds: float | None = None
    spans: dict[str, dict[str, Any]] = {}
    """`now` and `day` of `/api/v1/overview`; nothing where that is not to be had."""
    routes: list[dict[str, Any]] = []
    lost: int = 0
    """Records of requests that were never looked at."""
    sinks_away: list[str] = []
    load: dict[str, Any] = {}
    """As `load` of `/api/v1/overview`: concurrency, saturation, queue …"""


class Report(Struct, frozen=True, kw_only=True):
    """All of it."""

    format: int = FORMAT
    made_at: float
    made_by: str
    kind: Kind
    reference: str
    """Where it is from: the sidecar's address, or a file's name."""
    current: str
    models: list[Model]
    findings: list[Finding] = []
    traffic: Traffic | None = None
    events: list[Event] = []
    """Of the last day, the newest first."""
    caveats: list[str] = []

    def columns(self) -> Iterator[Column]:
        """Of all models."""
        for model in self.models:
            yield from model.columns
