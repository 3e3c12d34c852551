"""A model's drift as plain values: what `/api/v1/drift` says of it.

Rule: shows, computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from agent.drift.engine.previous import ChangedAgain
from agent.drift.engine.verdict import Verdict
from agent.drift.traffic.caveats import caveats_of
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.decisions import Renewal
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.stale import is_stale

MAX_LISTED = 100
"""Columns of a side that are named while a model learns: an embedding has thousands."""
NOT_JUDGED: dict[str, object] = {
    field: None for field in Verdict.__struct_fields__ if field != "state"
}
"""Of a column without a verdict: the same keys."""


def status_of(model: ModelWatch, now: float) -> dict[str, object]:
    """One model, in one version, at this time. Times are seconds since the epoch; shares 0 to 1;
    effects in standard deviations of the reference.

    `learning`: how far it is, and the first `MAX_LISTED` columns of each side that came so far.
    `phase`: learning, watching, or unwatched with the `reason`. `state`: drift if a column drifts
    that nobody acknowledged. `period`: how much of a learned reference's is collected, while it is.
    `alarms`: columns in drift, `open` and `acknowledged`. `caveats`: what to bear in mind with all
    verdicts. `unseen`: rows that no verdict speaks of, see
    `traffic.unseen`. `unexpected`: columns of the traffic that the reference has not.

    Of a column: what it is (`name`, `side`, `kind`, whether its categories are `hashed`), its
    `state` and `since` when (the beginning of the first window that shows it), when its last row
    was `evaluated`, whether that is `stale`, `level` (the last window's share of the false-alarm
    budget), `finding` (what does not match the reference), `acknowledged` and `renewed` (by whom,
    when, why), `examples` (requests in the bins that grew most), and all of
    `engine.verdict.Verdict`, null before there is one; `changed_again` (`engine.previous`) if it
    is long in drift. `derived` are columns computed of whole rows (`agent.drift.derived`),
    `suspended` while a column that they are of drifts by itself. `performance` is the accuracy to
    be expected by the last window's confidences (`agent.drift.derived.confidence`).
    """
    return {
        "model": model.name,
        "version": model.version,
        "phase": model.phase,
        "reason": model.reason,
        "state": model.state(),
        "reference": reference_of(model),
        "learning": {
            "rows": model.inputs.rows,
            "of": model.settings.learn_rows,
            "left_out": model.warmup.dropped,
            "told": model.warmup.told(),
            "columns": [
                {"name": name, "side": side.name}
                for side in model.sides
                for name in islice(side.buffers, MAX_LISTED)
            ],
        }
        if model.phase == "learning"
        else None,
        "period": model.collecting
        and {
            "told": model.collecting.told(),
            "days": model.collecting.days(),
            "of_days": model.collecting.seconds / 86400,
            "least_effect": model.min_effect,
        },
        "window": {
            "rows": model.window.rows,
            "opened": model.window.opened,
            "of_rows": model.settings.window_rows,
            "of_seconds": model.settings.window_seconds,
        },
        "windows_judged": model.windows,
        "values_left_out": model.left_out,
        "unseen": {
            "share": model.unseen.share(),
            "rows_by_reason": dict(model.unseen.by_reason),
        },
        "caveats": caveats_of(model),
        "alarms": {
            "open": sum(c.state == "drift" and not model.is_muted(c) for c in model.judged),
            "acknowledged": sum(c.state == "drift" and model.is_muted(c) for c in model.judged),
        },
        "columns": [
            _column(column, model, now) | {"changed_again": msgspec.to_builtins(again)}
            for column, again in zip(model.columns, _changed_again(model), strict=True)
        ],
        "derived": _derived(model, now),
        "performance": msgspec.to_builtins(
            model.derived.performance() if model.derived is not None else None
        ),
        "unexpected": [
            {"name": name, "side": side.name} for side in model.sides for name in side.unexpected
        ],
    }


def reference_of(model: ModelWatch) -> dict[str, object] | None:
    """What a model is judged by; None while it has none."""
    reference = model.reference
    if reference is None:
        return None
    return {
        "hash": reference.short_hash,
        "rows": reference.rows,
        "source": model.source,
        "version": reference.version,
        "before_renewals": model.base[:8] if model.base != reference.hash else None,
        "published": msgspec.to_builtins(model.decisions.published),
    }


def column_of(column: WatchedColumn, model: ModelWatch, now: float) -> dict[str, object]:
    """One column as `status_of` has it among `columns` or `derived`."""
    shown = _column(column, model, now)
    if column.is_derived:
        derived = model.derived
        places = derived.suspended if derived is not None else ()
        suspended = derived is not None and any(derived.columns[at] is column for at in places)
        return shown | {"suspended": suspended}
    again = _changed_again(model)[model.columns.index(column)]
    return shown | {"changed_again": msgspec.to_builtins(again)}


def _derived(model: ModelWatch, now: float) -> list[dict[str, object]]:
    derived, means = model.derived, model.means
    found: list[dict[str, object]] = []
    for place, column in enumerate(derived.columns if derived is not None else ()):
        suspended = derived is not None and place in derived.suspended
        found.append(_column(column, model, now) | {"suspended": suspended})
    more = means.columns if means is not None else []
    return [*found, *(_column(column, model, now) | {"suspended": False} for column in more)]


def _changed_again(model: ModelWatch) -> Sequence[ChangedAgain | None]:
    previous = model.previous
    return previous.found if previous is not None else [None] * len(model.columns)


def _column(column: WatchedColumn, model: ModelWatch, now: float) -> dict[str, object]:
    profile, decisions = column.base.column, model.decisions
    shown: dict[str, object] = {
        "name": profile.name,
        "side": profile.side,
        "kind": profile.kind,
        "hashed": bool(profile.key),
        "state": column.state,
        "since": column.since,
        "evaluated": column.evaluated,
        "stale": is_stale(column, model.settings.window_seconds, now),
        "level": column.level,
        "finding": column.finding(),
        "acknowledged": msgspec.to_builtins(decisions.muted(column.key())),
        "renewed": _renewed(decisions.renewed(column.key())),
        "examples": msgspec.to_builtins(column.examples),
    }
    if column.verdict is None:
        return shown | NOT_JUDGED
    judged: dict[str, object] = msgspec.to_builtins(column.verdict)
    del judged["state"]
    return shown | judged


def _renewed(renewal: Renewal | None) -> dict[str, object] | None:
    if renewal is None:
        return None
    return {
        "at": renewal.at,
        "by": renewal.by,
        "note": renewal.note,
        "rows": renewal.now.rows,
        "rows_before": renewal.before.rows,
        "caveat": renewal.caveat,
    }
