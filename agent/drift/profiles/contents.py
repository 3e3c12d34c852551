"""What a profile knows, as plain data: `outrider profile show --json`, and what its text is of.

Rule: computes nothing that is judged by; shares are of rows, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agent.drift.derived.correlation import prediction_of
from agent.drift.profiles.detectable import Short, Told, detectable
from agent.drift.reference.derived import described
from agent.drift.reference.profile import ColumnProfile, Profile
from agent.drift.reference.variation import ColumnVariation, varies
from agent.drift.reference.vectors import means
from agent.drift.settings import Settings

TOP = 5
"""Categories told, the most frequent first."""


class Share(Struct, frozen=True):
    """A category and its share of the rows."""

    category: str
    share: float


class Column(Struct, frozen=True):
    """One column. What is None is not known, or not of its kind."""

    name: str
    side: str
    kind: str
    rows: int
    missing: float
    """Share of the rows."""
    invalid: float
    """Share of the rows whose value is of another type, or no finite number."""
    min: float | None
    max: float | None
    mean: float | None
    sd: float | None
    top: list[Share]
    other: float | None
    """Share of the rows in none of the categories that are told apart."""
    hidden: bool
    """Categories are hashes."""
    correlation: float | None
    """Of normal scores with the prediction."""
    varies: bool | None
    """By itself, as its period showed; None: not known."""
    daily: bool
    """With the hour of day."""
    detectable: dict[str, Told]
    """The lasting changes found as likely as not in the first window, a day, and 30 days."""


class Known(Struct, frozen=True):
    """Natural variation."""

    slots: int
    """With rows."""
    seconds: float
    """Of a slot."""
    days: float
    columns: int
    """That vary by themselves."""
    daily: int
    """Of these, those that follow the hour of day (UTC)."""


class Judging(Struct, frozen=True):
    """What `detectable` is of."""

    false_alarms_per_day: float
    window_rows: int
    window_seconds: float
    replicas: int
    min_effect: float


class Lack(Struct, frozen=True):
    """Columns of which a lasting change of `min_effect` is not told from the reference's error."""

    columns: int
    least: float
    """The least that is told of the worst of them, in standard deviations."""
    rows: float | None
    """How many the reference would need; None: more rows do not help all of them."""
    varying: int
    """Columns whose own days differ by more than that."""


class Contents(Struct, frozen=True):
    """A profile."""

    model: str
    version: str
    hash: str
    format: int
    rows: int
    began: float | None
    """Of the rows, seconds since the epoch."""
    ended: float | None
    changed: list[str]
    """Columns that changed within the period."""
    variation: Known | None
    prediction: str | None
    """The output that inputs are correlated with."""
    derived: list[str]
    judging: Judging
    lack: Lack | None
    columns: list[Column]


def contents(profile: Profile, settings: Settings) -> Contents:
    """Of a profile, and what is detectable with these settings."""
    found = detectable(profile, settings)
    period, prediction = profile.period, prediction_of(profile.columns)
    return Contents(
        profile.model,
        profile.version,
        profile.hash,
        profile.format,
        profile.rows,
        period.began if period else None,
        period.ended if period else None,
        list(period.changed) if period else [],
        _known(profile),
        prediction.name if prediction else None,
        [*described(profile.derived), *means(profile.vectors)],
        Judging(
            round(settings.false_alarms * 86400, 9),
            settings.window_rows,
            float(settings.window_seconds),
            settings.replicas,
            settings.min_effect,
        ),
        _lack(found.short),
        [_column(c, found.columns.get((c.side, c.name), {})) for c in profile.columns],
    )


def _column(column: ColumnProfile, found: dict[str, Told]) -> Column:
    rows, moments = max(1, column.rows), column.moments
    names, variation = column.categories or [], column.variation
    counted = sorted(zip(names, column.counts, strict=False), key=lambda pair: -pair[1])
    return Column(
        column.name,
        column.side,
        column.kind,
        column.rows,
        column.missing / rows,
        column.invalid / rows,
        moments.min if moments else None,
        moments.max if moments else None,
        moments.mean if moments else None,
        moments.std if moments else None,
        [Share(name, count / rows) for name, count in counted[:TOP] if count],
        None if column.edges is not None else column.counts[-1] / rows,
        bool(column.key),
        column.correlation,
        None if variation is None else varies(variation),
        variation is not None and bool(variation.daily),
        found,
    )


def _known(profile: Profile) -> Known | None:
    period = profile.period
    known: list[ColumnVariation] = [c.variation for c in profile.columns if c.variation is not None]
    if period is None or not known or not period.seconds:
        return None
    return Known(
        period.slots,
        period.seconds,
        (period.ended - period.began) / 86400,
        sum(varies(one) for one in known),
        sum(bool(one.daily) for one in known),
    )


def _lack(short: Sequence[Short]) -> Lack | None:
    if not short:
        return None
    rows = [one.rows for one in short if one.rows < float("inf")]
    return Lack(
        len(short),
        max((one.least for one in short if one.rows in rows), default=short[0].least),
        max(rows, default=None),
        len(short) - len(rows),
    )
