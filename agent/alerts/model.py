"""Conditions that only a model has: drift, missing values, confidence, silent failures.

Rule: the meaning is that of examples/prometheus/model.rules.yml; what drifts is decided by
`agent.drift`, what fails in silence by `agent.quality`, and told here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from agent.alerts import trend
from agent.alerts.trend import Trends
from agent.alerts.view import Column, Confidence, Silent, So, View

MINUTE = 60.0
MISSING_RISE = 0.05
"""More than in the reference, as a share of all rows."""
CHANCE = 5.0
"""Standard deviations that this must be beyond what chance explains."""
LEAST_ROWS = 100
CONFIDENCE_FALL = 0.1
CONFIDENCE_ROWS = 100
SILENT_LEAST, SILENT_SHARE = 5, 0.01
"""So many requests, and more than this share of all."""
SILENT = ("error_body", "nan_prediction", "probability_sum", "rows_differ")
CONSTANT = ("constant_prediction", "same_output")
DO_DRIFT = (
    "/api/v1/drift says which bins moved and which requests show it; POST "
    "/api/v1/drift/acknowledge mutes it or makes it the new normal."
)


def input_drift(view: View, _: Trends) -> Iterator[So]:
    """What the model is asked is distributed otherwise than in the reference."""
    return _drift(view, "input")


def prediction_drift(view: View, _: Trends) -> Iterator[So]:
    """What it answers is."""
    return _drift(view, "output")


def _drift(view: View, side: str) -> Iterator[So]:
    """Columns of a side that drift, those farthest beyond their threshold first."""
    drifting = [column for column in view.columns if column.drifts and column.side == side]
    for column in sorted(drifting, key=lambda column: -column.excess):
        yield So(
            f"{side.capitalize()} {column.name} of {_whose(column)} drifts",
            f"{column.how}. {DO_DRIFT}",
            _labels(column),
        )


def missing_values(view: View, _: Trends) -> Iterator[So]:
    """A column is empty far more often than in the reference."""
    found = [column for column in view.columns if _is_missing(column)]
    for column in sorted(found, key=lambda column: column.usual_missing - column.missing):
        yield So(
            f"{column.missing:.1%} of {column.side} {column.name} of {_whose(column)} is missing",
            f"Of the last {column.rows:,} rows; in the reference it is {column.usual_missing:.1%}. "
            "If all rows miss it: a renamed or removed field; if a part: one client or region.",
            _labels(column),
            hold=5 * MINUTE,
        )


def _is_missing(column: Column) -> bool:
    rise = column.missing - column.usual_missing
    if column.is_muted or column.rows < LEAST_ROWS or rise < MISSING_RISE:
        return False
    # Agresti and Coull's half a row, so that none of a few is not taken for never.
    usual = (column.usual_missing * column.usual_rows + 0.5) / (column.usual_rows + 1)
    spread = usual * (1 - usual) * (1 / column.rows + 1 / max(1, column.usual_rows))
    return rise > CHANCE * math.sqrt(spread)


def confidence_low(view: View, trends: Trends) -> Iterator[So]:
    """The model is less sure than the day before."""
    for one in view.confidences:
        now = trends.confidence.rise(one.key, trend.CONFIDENCE)
        before = trends.confidence.rise(one.key, trend.BEFORE + trend.DAY, trend.BEFORE)
        if now is None or before is None or min(now[0], before[0]) < CONFIDENCE_ROWS:
            continue
        mean, usual = now[1] / now[0], before[1] / before[0]
        if usual - mean >= CONFIDENCE_FALL:
            yield So(
                f"{_whose(one)} is less sure than the day before",
                f"The mean confidence of {one.output} is {mean:.3f} over {now[0]:,.0f} rows of the "
                f"last 30 minutes; over the {before[0]:,.0f} rows of the day before it was "
                f"{usual:.3f}.",
                _named(one, output=one.output),
                hold=10 * MINUTE,
            )


def silent_failure(view: View, trends: Trends) -> Iterator[So]:
    """Answers of success that are no predictions."""
    for one in view.silent:
        rise = trends.silent.rise(one.key, trend.SILENT)
        still = trends.silent.rise(one.key, trend.SILENT_STILL)
        if one.finding not in SILENT or rise is None or still is None or not still[0]:
            continue
        hits, requests = rise
        if hits >= SILENT_LEAST and hits > SILENT_SHARE * requests:
            many = f"{hits:,.0f} of {requests:,.0f} requests in the last 30 minutes"
            yield _silent(one, many, MINUTE)


def predictions_constant(view: View, _: Trends) -> Iterator[So]:
    """The model answers the same whatever it is asked."""
    for one in view.silent:
        if one.finding in CONSTANT and one.is_active:
            yield _silent(one, f"{one.total:,} requests", 0.0)


def _silent(one: Silent, many: str, hold: float) -> So:
    example = f" One of them is {one.example}." if one.example else ""
    return So(
        f"{_whose(one)}: {one.means}",
        f"{many} ({one.where}).{example} To do: {one.do}.",
        _named(one, finding=one.finding),
        hold,
    )


def _labels(column: Column) -> tuple[tuple[str, str], ...]:
    return _named(column, side=column.side, column=column.name)


def _named(one: Column | Silent | Confidence, **more: str) -> tuple[tuple[str, str], ...]:
    whole = {"model": one.model, "version": one.version} | more
    return tuple((name, value) for name, value in whole.items() if value)


def _whose(one: Column | Silent | Confidence) -> str:
    model = one.model or "a model"
    return f"{model} version {one.version}" if one.version else model
