"""What moved, how far and how sure, in words that need no statistics to be read.

Rule: pure text of `content`, for no form in particular: who writes a form escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agent.drift.engine.layout import counted, number, percent
from agent.drift.reference.profile import MEASURED
from agent.report.content import Column, Model, Pair, Report, State
from agent.report.gate import state_of

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_DISTANCES = ("psi", "kl", "js", "ks", "wasserstein", "hellinger", "chi2", "tv")
"""The old rules."""
_TOGETHER = {
    "(relations) ": "it goes with the other inputs otherwise than before",
    "(importance) ": "it goes with the prediction otherwise than before",
}
"""Derived columns, by the beginning of their names."""


def what(column: Column, quoted: Callable[[str], str] = str) -> str:
    """What moved, and which way; `quoted` is how the name of a bin is written."""
    for kind, text in _TOGETHER.items():
        if column.derived and column.name.startswith(kind):
            return text
    up = column.direction == "up"
    test = column.test
    of_all = {  # questions of the whole distribution; a category may bear such a name
        "location": f"values are {'higher' if up else 'lower'}",
        "scale": f"values spread {'wider' if up else 'less'}",
        "length": f"texts are {'longer' if up else 'shorter'}",
        "length scale": f"lengths spread {'wider' if up else 'less'}",
        "mean": "the mean moved",
        "kind": "values are of another kind",
        "gone": "the column is gone",
        "new": "the column is new",
    } | {rule: f"the distribution moved ({rule})" for rule in _DISTANCES}
    of_shares = {
        "missing": f"{'more' if up else 'fewer'} values are missing",
        "invalid": f"{'more' if up else 'fewer'} values are of another type, or no finite number",
        "unseen": f"{'more' if up else 'fewer'} values that the reference never had",
    }
    if column.share is None and test in of_all:
        return of_all[test]
    if test in of_shares:
        return of_shares[test]
    if column.kind == "text" and test:
        return f"{'more' if up else 'fewer'} texts have {quoted(test.replace('<=', '≤'))}"
    if column.kind in MEASURED and "<= " in test:
        return f"{'more' if up else 'fewer'} rows are {quoted(test.replace('<=', '≤'))}"
    return f"{'more' if up else 'fewer'} rows are {quoted(test)}" if test else ""


def how_far(column: Column) -> str:
    """From what to what, or by how much."""
    share = column.share
    if share is not None and share.reference is not None and share.now is not None:
        return f"{percent(share.reference)} → {percent(share.now)}"
    if column.effect is None or column.test in _DISTANCES:
        return ""
    return f"by {number(column.effect, 2)} sd"


def how_sure(column: Column) -> str:
    """The score against what it must exceed, and how likely it is without drift."""
    return ", ".join(filter(None, (against(column), probability(column.p_value))))


def against(column: Column) -> str:
    """The score against what it must exceed."""
    if column.score is None or column.threshold is None:
        return ""
    return f"{number(column.score)} / {number(column.threshold, 2)}"


def probability(p: float | None) -> str:
    """`p = 0.02`, `p < 1e-300`; nothing where it is not known."""
    if p is None:
        return ""
    return f"p = {number(p, 2)}" if p > 0 else "p < 1e-300"


def change(pair: Pair) -> str:
    """`1% → 5%`."""
    parts = ["–" if share is None else percent(share) for share in (pair.reference, pair.now)]
    return parts[0] if parts[0] == parts[1] else " → ".join(parts)


def accuracy(performance: Mapping[str, Any]) -> str:
    """`about 91% (89% to 93%), 94% in the reference`."""
    share, low, high = (percent(performance[key]) for key in ("accuracy", "low", "high"))
    reference = percent(performance["reference"])
    how = "" if performance["is_calibrated"] else ", taking confidences at their word"
    return f"about {share} ({low} to {high}), {reference} in the reference{how}"


def when(at: float | None) -> str:
    """`2026-11-29 10:05 UTC`."""
    if at is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return ""


def written(at: str | None) -> str:
    """The same of a time in ISO 8601."""
    try:
        return when(datetime.fromisoformat(at).timestamp()) if at else ""
    except ValueError:
        return ""


def lasting(seconds: float) -> str:
    """`3 minutes`, `5 hours`, `12 days`."""
    for unit, noun in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= 2 * unit or (seconds >= unit and unit != DAY):
            return counted(int(seconds / unit), noun)
    return counted(max(0, int(seconds)), "second")


def verdict(report: Report) -> str:
    """The report in a sentence."""
    columns = [column for column in report.columns() if column.state != "insufficient"]
    drifted = [column for column in columns if column.state == "drift" and not column.acknowledged]
    known = sum(column.acknowledged and column.state == "drift" for column in columns)
    more = f"; {counted(known, 'column')} acknowledged" if known else ""
    if drifted:
        verb = "drifts" if len(drifted) == 1 else "drift"
        return f"{len(drifted):,} of {counted(len(columns), 'column')} {verb}{more}"
    if columns:
        return f"No drift in {counted(len(columns) - known, 'column')}{more}"
    return "Nothing can be judged yet"


def headline(report: Report) -> tuple[State, str]:
    """Its state, and the sentence."""
    return state_of(report), verdict(report)


def titled(name: str, version: str) -> str:
    """A model and its version."""
    return " ".join(filter(None, (name or "a model without a name", version)))


def title_of(report: Report, model: Model) -> str:
    """A model and its version; of files that name none, the file."""
    if report.kind != "sidecar" and not model.name:
        return " ".join(filter(None, (report.current, model.version)))
    return titled(model.name, model.version)
