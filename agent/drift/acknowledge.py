"""Carries out what people decide: mutes alarms, makes the recent windows the reference, reverts.

Rule: it changes a model's decisions and, by them, its reference; keeping them is the monitor's.

A mute never changes a verdict: the alarm stays visible, and is neither counted as open nor
logged as new before it ends. "New normal" counts the recent rows on the bins there are: a column
whose rows lie mostly beyond them is told apart less well, and that is said.
"""

from __future__ import annotations

import msgspec

from agent.drift.engine.questions import MIN_ROWS
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import INVALID, MISSING, Ints
from agent.drift.state.orders import Order, OrderError, end_of
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.decisions import Key, Mute, Renewal
from agent.drift.traffic.model import ModelWatch

FEWEST = 5.5
"""Over the root of a reference's rows: the least shift that can be seen by it, in standard
deviations (section 3 of the study behind the evidence engine, measured)."""
OPEN_SHARE = 0.2
"""Share of the rows out of the reference's range, or in `other`, from which a renewal says so."""


def carry_out(model: ModelWatch, order: Order, now: float) -> list[Key]:
    """The columns that it was done to. Raises OrderError, and then nothing was changed."""
    if model.phase != "watching":
        raise OrderError("model", model.name, f"it is {model.phase}: there is no verdict yet", 409)
    columns = _columns(model, order)
    if order.action == "mute":
        return _mute(model, columns, order, now)
    if order.action == "new_normal":
        return _renew(model, columns, order, now)
    return _revert(model, columns)


def _columns(model: ModelWatch, order: Order) -> list[WatchedColumn]:
    candidates = model.columns if order.action == "new_normal" else model.judged
    found = [
        column
        for column in candidates
        if order.side in (None, column.base.column.side)
        and (order.column is None or is_of(column.base.column, order.column))
    ]
    if not found:
        names = sorted({column.base.column.name for column in candidates})
        known = ", ".join(names[:20]) + ("…" if len(names) > 20 else "")
        raise OrderError("column", order.column, f"the reference has: {known}", 404)
    if order.column is not None and len({column.base.column.side for column in found}) > 1:
        raise OrderError("side", None, "both sides have it: say input or output")
    return found


def is_of(column: ColumnProfile, name: str) -> bool:
    """Whether the column has this name, or is a view of the vector of this name."""
    return column.name == name or (column.kind == "view" and column.name.endswith(f") {name}"))


def _mute(model: ModelWatch, columns: list[WatchedColumn], order: Order, now: float) -> list[Key]:
    until = end_of(order, now)
    keys = [column.key() for column in columns]
    model.decisions.mute(Mute(*key, until, now, order.by, order.note) for key in keys)
    return keys


def _renew(model: ModelWatch, columns: list[WatchedColumn], order: Order, now: float) -> list[Key]:
    if order.column is None:
        columns = [column for column in columns if column.state == "drift"]
        if not columns:
            remedy = "no column is in drift: name the one whose reference is to be renewed"
            raise OrderError("column", None, remedy, 409)
    elif len(columns) > 1:  # a vector: those of its views that are as they were stay so
        columns = [column for column in columns if column.state == "drift"] or columns
    renewals = [_renewal(column, order, now) for column in columns]
    if not model.decisions.renewals:
        model.decisions.base = model.base
    model.decisions.renew(renewals)
    model.replace({(r.side, r.column): r.now for r in renewals})
    if model.collecting is not None:
        model.collecting.begin_again()  # what it collected is normal no more
    return [(r.side, r.column) for r in renewals]


def _renewal(column: WatchedColumn, order: Order, now: float) -> Renewal:
    counts = column.recent()
    rows = int(counts.sum())
    profile = column.base.column
    if rows < MIN_ROWS:
        remedy = (
            f"wait for the next window: those after the alarm's own, part of which may be from "
            f"before, have {rows} rows, and {MIN_ROWS} are needed"
        )
        raise OrderError("column", profile.name, remedy, 409)
    renewed = msgspec.structs.replace(
        profile,
        counts=counts[:MISSING].tolist(),
        missing=int(counts[MISSING]),
        invalid=int(counts[INVALID]),
        moments=None,
        variation=None,
        correlation=None,
    )
    caveat = _caveat(profile, counts)
    return Renewal(profile.side, profile.name, now, order.by, order.note, profile, renewed, caveat)


def _caveat(profile: ColumnProfile, counts: Ints) -> str:
    """What the renewed column cannot tell: shifts too small for its rows, values past its bins."""
    rows = int(counts.sum())
    said = [f"made of {rows} rows: a shift of less than about {FEWEST / rows**0.5:.2f} standard "
            f"deviations is not seen"]  # fmt: skip
    ends = {len(profile.counts) - 1} | ({0} if profile.edges is not None else set())
    share = sum(int(counts[place]) for place in ends) / max(1, rows)
    if share > OPEN_SHARE and len(profile.counts) > 1:
        where = "out of the old range" if profile.edges is not None else "in none of the categories"
        said.append(
            f"{share:.0%} of them are {where} and not told apart there: build a new profile and "
            f"PUT it to /api/v1/reference"
        )
    return "; ".join(said)


def _revert(model: ModelWatch, columns: list[WatchedColumn]) -> list[Key]:
    keys = [column.key() for column in columns]
    mutes, renewals = model.decisions.revert(keys)
    if not mutes and not renewals:
        raise OrderError("column", None, "nothing was acknowledged of it", 409)
    if renewals:
        model.replace({(r.side, r.column): r.before for r in renewals})
    done = [(m.side, m.column) for m in mutes] + [(r.side, r.column) for r in renewals]
    return list(dict.fromkeys(done))
