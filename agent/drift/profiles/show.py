"""`outrider profile show`: what a profile knows, and which changes it can show.

Rule: 100 characters a line, however many columns there are and however long their names.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.drift.engine.layout import NAME, counted, cut, number, percent, shortened, table
from agent.drift.given import drift_of, settings_of
from agent.drift.profiles.chosen import chosen
from agent.drift.profiles.contents import Column, Contents, contents
from agent.drift.profiles.detectable import HORIZONS, Told
from agent.drift.profiles.told import told
from agent.drift.reference.profile import MEASURED, Profile, load
from agent.settings.units import Duration


@told("outrider profile")
def show(args: argparse.Namespace) -> int:
    """`profile show FILE [--columns …] [--sort …] [--window …] [--false-alarms …] … [--json]`."""
    profile = load(Path(args.profile))
    found = contents(profile, settings_of(args, drift_of(args)))
    columns = chosen(found.columns, args.columns, args.profile)
    found = msgspec.structs.replace(found, columns=sorted(columns, key=_ORDERS[args.sort]))
    if args.json:
        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(_lines(found, summary(profile, args.profile))))
    return 0


def summary(profile: Profile, path: str) -> str:
    """A profile in a line."""
    model = " ".join(filter(None, (profile.model or "any model", profile.version)))
    columns = counted(len(profile.columns), "column")
    return f"{path}: {model}, {counted(profile.rows, 'row')}, {columns}, {profile.short_hash}"


def _farthest(column: Column) -> float:
    """The change that must last a day, as a share of all there may be: points, or shifts."""
    told = column.detectable.get("day")
    if told is None:
        return math.inf
    return told.shift_sd or (told.points or 0.0) / 50 or math.inf


_ORDERS = {
    "name": lambda column: (column.side, column.name),
    "correlation": lambda column: -abs(column.correlation or 0.0),
    "missing": lambda column: -column.missing - column.invalid,
    "shift": lambda column: -_farthest(column),
}


def _lines(found: Contents, title: str) -> list[str]:
    lines = [title, *(f"  {line}" for line in _about(found)), "", *_columns(found)]
    lines += ["", *_told_head(found), *_told(found.columns)]
    return lines + _remedy(found)


def _about(found: Contents) -> list[str]:
    lines: list[str] = []
    if found.began is not None and found.ended is not None:
        days = (found.ended - found.began) / 86400
        began = datetime.fromtimestamp(found.began, UTC)
        lines.append(f"of {days:.1f} days from {began:%Y-%m-%d %H:%M} UTC")
    if found.changed:
        lines.append(cut(f"changed within that time: {', '.join(found.changed)}", 98))
    known = found.variation
    if known is None:
        lines.append("natural variation is not known: build it with --timestamp of a week or more")
    else:
        slots = f"{known.slots:,} slots of {Duration(known.seconds)}, {known.days / 7:.1f} weeks"
        lines.append(
            f"natural variation: {slots}; {counted(known.columns, 'column')} "
            f"{'varies' if known.columns == 1 else 'vary'}, {known.daily} with the hour of day"
        )
    if found.derived:
        lines.append(cut(f"derived: {', '.join(found.derived)}", 98))
    return lines


def _columns(found: Contents) -> list[str]:
    rows = [
        (
            shortened(column.name),
            column.side,
            column.kind,
            "" if column.rows == found.rows else f"{column.rows:,}",
            percent(column.missing) if column.missing else "",
            percent(column.invalid) if column.invalid else "",
            "" if column.correlation is None else f"{round(column.correlation, 2) + 0.0:+.2f}",
            _values(column),
        )
        for column in found.columns
    ]
    corr = f"corr. {cut(found.prediction, 12)}" if found.prediction else ""
    head = ("column", "side", "kind", "rows", "missing", "invalid", corr, "values")
    return table(head, rows, "<<<>>>>")


def _values(column: Column) -> str:
    if column.kind in MEASURED:
        if column.mean is None or column.min is None or column.max is None or column.sd is None:
            return ""
        return _MEASURES.get(column.kind, "") + (
            f"mean {number(column.mean, 4)}, sd {number(column.sd)}, "
            f"{number(column.min, 4)} to {number(column.max, 4)}"
        )
    parts = [f"{cut(share.category, 20)} {percent(share.share)}" for share in column.top]
    if column.other:
        parts.append(f"other {percent(column.other)}")
    if column.hidden:
        parts.append("(hashed)")
    return ", ".join(parts)


_MEASURES = {"text": "length: ", "vector": "norm: "}


def _told_head(found: Contents) -> list[str]:
    judging = found.judging
    alarms = number(judging.false_alarms_per_day * 30)
    alarms += " false alarm" if alarms == "1" else " false alarms"
    return [
        f"Lasting changes that are found, at {alarms} in 30 days, "
        f"in windows of {judging.window_rows:,} rows and {Duration(judging.window_seconds)}:",
        "as likely as not; 1.5 times as much almost surely, half as much seldom.",
    ]


def _told(columns: Sequence[Column]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for column in columns:
        window, day, month = (column.detectable.get(name) for name in HORIZONS)
        name = shortened(column.name)
        if day is not None and day.category is not None:
            name = f"{shortened(column.name, NAME - 8)} ({day.category})"
        units = number(day.shift) if day is not None and day.shift is not None else ""
        rows.append(
            (
                cut(name, NAME),
                *(_change(window), _change(day), units, _change(month)),
                *(_points(one.missing_points if one else None) for one in (window, day)),
            )
        )
    head = ("column", "1 window", "a day", "in units", "30 days", "missing: 1 window", "a day")
    return table(head, rows, "<>>>>>>")


def _change(told: Told | None) -> str:
    if told is not None and told.shift_sd is not None:
        return f"{number(told.shift_sd, 2)} sd"
    return _points(told.points if told is not None else None)


def _points(value: float | None) -> str:
    return "-" if value is None else f"{number(value, 2)} pp"


def _remedy(found: Contents) -> list[str]:
    """What would let a change of `min_effect` be told, if it is not."""
    lack, judging = found.lack, found.judging
    if lack is None:
        return []
    lines = ["", f"A lasting change of {judging.min_effect:g} sd (min_effect) cannot be told here:"]
    if lack.rows is not None:
        few = counted(lack.columns - lack.varying, "column")
        lines.append(
            f"{few} from its own error; {number(lack.least, 2)} sd can, at worst. That takes "
            f"about {_rounded_up(lack.rows):,} rows; it has {found.rows:,}."
        )
    if lack.varying:
        vary = counted(lack.varying, "column")
        lines.append(f"{vary} from how days differ by themselves; more weeks help, rows do not.")
    return lines


def _rounded_up(rows: float) -> int:
    unit: int = 10 ** max(0, math.floor(math.log10(rows)) - 1)
    return math.ceil(rows / unit) * unit
