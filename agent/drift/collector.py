"""The drift metrics of `/metrics`, read from the monitor when scraped.

Rule: shows, computes nothing; label values are model, version, column and bin index, all bounded.
Where the traffic names no version there is no such label, which is the same to Prometheus as an
empty one.

Per-bin series, which are many, only for the `bin_columns` columns that drift most: those furthest
beyond their threshold. Counters of rows and bins begin anew when the reference, whose hash they
bear, becomes another.

No gauge keeps a value that could not be found anew: STALE_WINDOWS lengths of a window after the
last row of a column its verdict's gauges are gone, and only the time of the last evaluation stays.
(With `window.seconds: off` a window has no length, and they stay.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import nextafter

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from agent.drift.engine.classic import PSI_DRIFT
from agent.drift.monitor import Monitor
from agent.drift.reference.sketch import MISSING
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.stale import is_stale

_COLUMN = ("model", "column", "side")
_COUNTED = (*_COLUMN, "reference", "version")
_BIN = (*_COLUMN, "bin", "reference", "version")


class DriftCollector:
    """A collector for a prometheus_client registry."""

    def __init__(self, monitor: Monitor, bin_columns: int = 50) -> None:
        self._monitor = monitor
        self._bin_columns = bin_columns

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: registering must not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, those without samples too."""
        models = list(self._monitor.models.values())
        columns = [(model, column) for model in models for column in model.columns]
        yield from _counters(columns)
        yield from _bins(_worst(columns, self._bin_columns))
        now = self._monitor.now()
        judged = [(model, column) for model in models for column in model.judged]
        yield from _verdicts(judged, now)
        yield _acknowledged(judged)
        yield _predictions(columns)
        further = self._monitor.rows_of_further_versions
        yield from _unseen(models, self._monitor.rows_unseen, further)
        yield _periods(models)
        yield from _references(self._monitor, models)


Watched = Iterable[tuple[ModelWatch, WatchedColumn]]


def _labels(model: ModelWatch, column: WatchedColumn, *more: str) -> list[str]:
    """Values of _COLUMN, of `more` labels, and of the version, if it has one: labels without a
    value at the end are left out."""
    return [model.name, column.base.column.name, column.base.column.side, *more, *_version(model)]


def _version(model: ModelWatch) -> list[str]:
    return [model.version] if model.version else []


def _hash(model: ModelWatch) -> str:
    return model.reference.short_hash if model.reference is not None else ""


def _counters(columns: Watched) -> Iterator[Metric]:
    values = CounterMetricFamily(
        "outrider_column_values", "Rows counted for a column, missing ones too.", labels=_COUNTED
    )
    missing = CounterMetricFamily(
        "outrider_column_missing", "Of those, rows without a value.", labels=_COUNTED
    )
    for model, column in columns:
        labels = _labels(model, column, _hash(model))
        values.add_metric(labels, float(column.totals.sum()))
        missing.add_metric(labels, float(column.totals[MISSING]))
    yield values
    yield missing


def _worst(columns: Watched, most: int) -> Watched:
    def how_far(item: tuple[ModelWatch, WatchedColumn]) -> float:
        return -item[1].excess()

    return sorted(columns, key=how_far)[:most]


def _bins(columns: Watched) -> Iterator[Metric]:
    seen = CounterMetricFamily(
        "outrider_column_bin",
        "Rows counted in a bin of the reference, by its index; then missing and invalid.",
        labels=_BIN,
    )
    ratio = GaugeMetricFamily(
        "outrider_reference_bin_ratio", "Share of the reference's rows in a bin.", labels=_BIN
    )
    for model, column in columns:
        names = [*map(str, range(column.bins.size)), "missing", "invalid"]
        rows = max(column.base.rows, 1)
        now, before = column.totals.tolist(), column.base.counts.tolist()
        for name, count, expected in zip(names, now, before, strict=True):
            labels = _labels(model, column, name, _hash(model))
            seen.add_metric(labels, count)
            ratio.add_metric(labels, expected / rows)
    yield seen
    yield ratio


def _verdicts(columns: Watched, now: float) -> Iterator[Metric]:
    plain, method = (*_COLUMN, "version"), (*_COLUMN, "method", "version")
    score = GaugeMetricFamily(
        "outrider_drift_score",
        "Strength of the strongest test (evidence), or the distance of an old rule (psi).",
        labels=method,
    )
    threshold = GaugeMetricFamily(
        "outrider_drift_threshold", "The score above which it is drift.", labels=method
    )
    detected = GaugeMetricFamily(
        "outrider_drift_detected", "1: drift, 0: stable; absent: not enough rows.", labels=plain
    )
    effect = GaugeMetricFamily(
        "outrider_drift_effect",
        "Size of the change in standard deviations of the reference.",
        labels=plain,
    )
    rows = GaugeMetricFamily(
        "outrider_drift_rows", "Rows of the windows judged together.", labels=plain
    )
    at = GaugeMetricFamily(
        "outrider_drift_last_evaluation_timestamp_seconds",
        "When the last window was judged.",
        labels=plain,
    )
    since = GaugeMetricFamily(
        "outrider_drift_since_timestamp_seconds",
        "When the drift of a column began; absent where there is none.",
        labels=plain,
    )
    for model, column in columns:
        verdict, evaluated = column.verdict, column.evaluated
        if verdict is None or evaluated is None:
            continue
        labels = _labels(model, column)
        at.add_metric(labels, evaluated)
        if is_stale(column, model.settings.window_seconds, now):
            continue
        rows.add_metric(labels, verdict.rows)
        if verdict.score is None or verdict.threshold is None or verdict.effect is None:
            continue
        judged = _labels(model, column, model.settings.mode)
        score.add_metric(judged, verdict.score)
        threshold.add_metric(judged, verdict.threshold)
        if model.settings.mode == "evidence" and verdict.psi is not None:
            score.add_metric(_labels(model, column, "psi"), verdict.psi)
            threshold.add_metric(_labels(model, column, "psi"), PSI_DRIFT)
        effect.add_metric(labels, verdict.effect)
        if verdict.state != "insufficient":
            detected.add_metric(labels, float(verdict.state == "drift"))
        if column.state == "drift" and column.since is not None:
            since.add_metric(labels, column.since)
    yield from (score, threshold, detected, effect, rows, at, since)


def _acknowledged(columns: Watched) -> Metric:
    family = GaugeMetricFamily(
        "outrider_drift_acknowledged",
        "1: somebody knows of this column's drift and muted it; absent else.",
        labels=(*_COLUMN, "version"),
    )
    for model, column in columns:
        if model.is_muted(column):
            family.add_metric(_labels(model, column), 1)
    return family


def _predictions(columns: Watched) -> Metric:
    family = HistogramMetricFamily(
        "outrider_prediction_value",
        "Numeric predictions, by the bins of the reference.",
        labels=("model", "output", "version"),
    )
    for model, column in columns:
        profile = column.base.column
        if profile.side == "output" and profile.kind == "numeric" and profile.edges is not None:
            buckets = _buckets(profile.edges, column.totals.tolist())
            labels = [model.name, profile.name, *_version(model)]
            family.add_metric(labels, buckets, column.sum)
    return family


def _buckets(edges: list[float], totals: list[int]) -> list[tuple[str, float]]:
    """Cumulative counts; an atom's lower edge, the float just before it, is left out."""
    buckets: list[tuple[str, float]] = []
    below = 0
    for i, edge in enumerate(edges):
        below += totals[i]
        is_before_an_atom = i + 1 < len(edges) and nextafter(edge, edges[i + 1]) == edges[i + 1]
        if not is_before_an_atom:
            buckets.append((str(edge), below))
    return [*buckets, ("+Inf", sum(totals[:MISSING]))]


def _unseen(
    models: Iterable[ModelWatch], skipped: int, further: Mapping[str, int]
) -> Iterator[Metric]:
    rows = CounterMetricFamily(
        "outrider_drift_unseen_rows",
        "Rows that the model scored and that are in no verdict; a request not read counts as one.",
        labels=("model", "reason", "version"),
    )
    share = GaugeMetricFamily(
        "outrider_drift_unseen_rows_ratio",
        "Their share of the recent rows; above 0.01 verdicts carry a caveat.",
        labels=("model", "version"),
    )
    for model in models:
        for reason, count in model.unseen.by_reason.items():
            rows.add_metric([model.name, reason, *_version(model)], count)
        share.add_metric([model.name, *_version(model)], model.unseen.share())
    if skipped:  # of models beyond the bounds, whose names are no labels
        rows.add_metric(["", "skipped"], skipped)
    for name, count in further.items():
        rows.add_metric([name, "version_skipped"], count)
    yield rows
    yield share


def _periods(models: Iterable[ModelWatch]) -> Metric:
    family = GaugeMetricFamily(
        "outrider_reference_period_ratio",
        "Part of a learned reference's period that is known; absent when it is over.",
        labels=("model", "version"),
    )
    for model in models:
        if model.collecting is not None:
            done = model.collecting.days() * 86400 / model.collecting.seconds
            family.add_metric([model.name, *_version(model)], min(1.0, done))
    return family


def _references(monitor: Monitor, models: Iterable[ModelWatch]) -> Iterator[Metric]:
    reasons = {refusal.reason for refusal in monitor.refused}
    reasons |= {model.reason for model in models if model.reason}
    yield GaugeMetricFamily(
        "outrider_reference_refused",
        "References that cannot be used; /api/v1/drift says why.",
        value=len(reasons),
    )
