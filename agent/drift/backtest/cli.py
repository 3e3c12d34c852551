"""`outrider drift backtest DATA --reference REF`: would it have told us, and how often in vain?

Rule: takes parsed arguments, returns an exit status: 0; 1 for `--fail-on drift` if an alarm was
raised; 2 with one line on standard error that says what to do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from agent.drift.backtest.alarms import Alarms
from agent.drift.backtest.asked import Asked, asked
from agent.drift.backtest.beginning import PASSES, learned
from agent.drift.backtest.picture import Heat, draw
from agent.drift.backtest.replay import Judged, Replay
from agent.drift.backtest.shown import Totals, period_of, summary, table
from agent.drift.engine.layout import counted
from agent.drift.learning.natural_build import why_unknown
from agent.drift.profiles.told import told
from agent.drift.reference.files import write_whole
from agent.drift.reference.profile import Profile, load
from agent.drift.rows.clock import Clock
from agent.drift.rows.progress import Progress
from agent.drift.rows.table import TableError, batches
from agent.drift.traffic.caveats import UNVARIED, caveats_of

SHOWN = 20
"""Names of columns in a message."""

SPARSE = 0.1
"""Of the time: what windows cover if a person may not have meant it so."""


@told("outrider drift backtest")
def backtest(args: argparse.Namespace) -> int:
    """See the module."""
    want = asked(args)
    reference = _reference(args, want)
    skipped = reference.rows if want.beginning is not None else 0
    replay = Replay(reference, want.settings, timed=want.timed)
    alarms, heat, totals = Alarms(), Heat(), Totals()
    for judged in _windows(args, want, replay, skipped):
        alarms.take([judged])
        heat.add(judged)
        totals.add(judged)
        if args.json:
            _print_window(replay, judged)
    _say_what_is_odd(args, replay, totals, skipped)
    unvaried = why_unknown(reference) or UNVARIED
    caveats = [unvaried if text == UNVARIED else text for text in caveats_of(replay.watch)]
    for caveat in caveats:
        _say(caveat)
    if args.json:
        for alarm in alarms.all:
            _print({"kind": "alarm"} | msgspec.to_builtins(alarm))
        _print(
            {"kind": "summary"}
            | totals.plain(want.settings)
            | {"alarms": len(alarms.all), "rows_not_judged": replay.watch.window.rows}
            | {"caveats": caveats}
        )
    else:
        text = summary(alarms.all, totals, want.settings, want.timed)
        print("\n".join([*table(alarms.all, want.timed), *([""] if alarms.all else []), text]))
    if args.picture:
        counts = f"{counted(len(alarms.all), 'alarm')} in {counted(totals.windows, 'window')}"
        period = f", {period_of(totals)}" if want.timed else ""
        title, plain = f"{want.path.name}: {counts}{period}", len(reference.columns)
        drawn = draw(heat, replay.names(), alarms.all, title, want.timed, plain)
        write_whole(Path(args.picture), drawn.encode())
    return 1 if alarms.all and args.fail_on == "drift" else 0


def _reference(args: argparse.Namespace, want: Asked) -> Profile:
    """The one that was named, or that of the history's beginning."""
    if want.beginning is None:
        return load(Path(want.reference))
    with Progress("learning what is normal", PASSES) as progress:
        return learned(
            lambda: batches(want.path, want.format, progress, args.timestamp or ""),
            want.beginning,
            timestamp=args.timestamp or "",
            outputs=args.outputs,
            from_text=want.format == "csv",
        )


def _windows(args: argparse.Namespace, want: Asked, replay: Replay, skip: int) -> Iterator[Judged]:
    """Those of all rows but the first `skip`."""
    clock = Clock(args.timestamp) if args.timestamp is not None else None
    lines_show_it = args.json and sys.stdout.isatty()
    with Progress(f"judging {want.path.name}", is_wanted=not lines_show_it) as progress:
        for batch in batches(want.path, want.format, progress, args.timestamp or ""):
            columns: dict[str, Any] = dict(batch.columns)
            times = clock.read(columns, batch.rows) if clock else None
            rows = batch.rows
            if skip:
                passed = min(skip, rows)
                columns = {name: values[passed:] for name, values in columns.items()}
                times = times[passed:] if times is not None else None
                rows, skip = rows - passed, skip - passed
            if rows and not replay.rows and not replay.matches(columns):
                wanted, there = _names(sorted(replay.wanted)), _names(columns)
                raise TableError(
                    f"{args.data} has none of the reference's columns, which are: {wanted}; there "
                    f"are: {there}; build a reference of such rows, or rename the columns"
                )
            yield from replay.feed(columns, rows, times)


def _print_window(replay: Replay, judged: Judged) -> None:
    columns = []
    for column in replay.watch.judged:
        if column.is_derived and column.state != "drift":
            continue  # there are many of them
        verdict = column.verdict
        side, name = column.key()
        shown = msgspec.to_builtins(verdict) if verdict is not None else {}
        columns.append({"column": name, "side": side} | shown)
    _print(
        {"kind": "window", "began": judged.began, "ended": judged.ended, "rows": judged.rows,
         "verdicts": columns}
    )  # fmt: skip


def _print(value: dict[str, object]) -> None:
    print(msgspec.json.encode(value).decode())


def _say(text: str) -> None:
    print(f"outrider drift backtest: {text}", file=sys.stderr)


def _names(names: Any) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def _say_what_is_odd(
    args: argparse.Namespace, replay: Replay, totals: Totals, skipped: int
) -> None:
    if not replay.rows:
        why = f": all {skipped} rows are the reference" if skipped else ""
        raise TableError(f"{args.data}: no rows to judge{why}")
    left = replay.watch.window.rows
    if not totals.windows:
        raise TableError(
            f"{args.data}: {left} rows are not one window of {replay.watch.window.row_limit} rows; "
            "say a smaller --window"
        )
    if left:
        _say(f"the last {left} rows are no whole window and were not judged")
    if totals.covered < SPARSE * (totals.ended - totals.began):
        why = "rows come in bursts, or with dates only"
        _say(f"windows cover little of the time ({why}): try a longer --interval, such as 1d")
    never = replay.wanted - replay.found
    if never:
        _say(f"in the reference, never in the data, so not judged: {_names(sorted(never))}")
    if replay.absent - never:
        names = _names(sorted(replay.absent - never))
        _say(f"in the reference, not in all of the data, missing where it is not: {names}")
    if replay.unexpected:
        _say(f"in the data, not in the reference, so not judged: {_names(replay.unexpected)}")
