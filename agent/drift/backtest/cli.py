"""`outrider drift backtest DATA --reference REF`: would it have told us, and how often in vain?

Rule: takes parsed arguments, returns an exit status: 0; 1 for `--fail-on drift` if an alarm was
raised; 2 with one line on standard error that says what to do.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from agent.building import ConfigError
from agent.config import Drift
from agent.drift import profile_cli
from agent.drift.backtest.alarms import Alarms
from agent.drift.backtest.clock import Clock
from agent.drift.backtest.picture import Heat, draw
from agent.drift.backtest.replay import Judged, Replay
from agent.drift.backtest.shown import summary, table
from agent.drift.build import build_profile
from agent.drift.files import write_whole
from agent.drift.progress import Progress
from agent.drift.reference import Profile
from agent.drift.reference import load as load_profile
from agent.drift.settings import Settings
from agent.drift.table import Batch, TableError, batches, format_of
from agent.loading import load
from agent.units import Duration, Rate


@profile_cli.told("outrider drift backtest")
def backtest(args: argparse.Namespace) -> int:
    """See the module."""
    path = Path(args.data)
    form = args.format or format_of(path)
    settings = _settings(args)
    reference = _reference(args, path, form)
    replay = Replay(reference, settings, timed=args.timestamp is not None)
    alarms, heat = Alarms(), Heat(len(reference.columns))
    names = [f"{c.base.column.side} {c.base.column.name}" for c in replay.watch.columns]
    windows = 0
    first = last = 0.0
    for judged in _windows(args, path, form, replay):
        alarms.take([judged])
        heat.add(judged)
        first = first if windows else judged.began
        windows, last = windows + 1, judged.ended
        if args.json:
            _print_window(replay, judged)
    _say_what_is_odd(args, replay, windows)
    timed = args.timestamp is not None
    text = summary(alarms.all, windows, replay.rows, last - first, settings.false_alarms)
    if args.json:
        for alarm in alarms.all:
            _print({"kind": "alarm"} | msgspec.to_builtins(alarm))
        _print(_totals(replay, windows, first, last, len(alarms.all), settings))
    else:
        print("\n".join([*table(alarms.all, timed), *([""] if alarms.all else []), text]))
    if args.picture:
        title = f"{path.name}: {len(alarms.all)} alarms in {windows:,} windows"
        drawn = draw(heat, names, alarms.all, title, timed)
        write_whole(Path(args.picture), drawn.encode())
    return 1 if alarms.all and args.fail_on == "drift" else 0


def _settings(args: argparse.Namespace) -> Settings:
    """The drift section of the configuration, less what the arguments say otherwise."""
    drift = load(args.config, os.environ).drift if args.config else Drift()
    given: dict[str, Any] = {
        "window_rows": args.window or drift.window.rows,
        "window_seconds": _read(Duration, "--interval", args.interval, drift.window.seconds),
        "false_alarms": _read(Rate, "--false-alarms", args.false_alarms, drift.false_alarms),
        "replicas": args.replicas or drift.replicas,
        "min_effect": drift.min_effect if args.min_effect is None else args.min_effect,
        "mode": args.mode or drift.mode,
    }
    given["false_alarms"] = given["false_alarms"].per_second
    if not 0 < given["window_seconds"] < float("inf"):
        raise ConfigError("--interval", "", repr(args.interval), "wanted a duration like 5m")
    if given["window_rows"] < 1 or given["replicas"] < 1:
        raise ConfigError("--window, --replicas", "", "", "wanted at least 1")
    return Settings(**given)


def _read(kind: Any, flag: str, text: str | None, otherwise: Any) -> Any:
    if text is None:
        return otherwise
    try:
        return kind(text)
    except ValueError as problem:
        raise ConfigError(flag, "", repr(text), str(problem)) from None


def _reference(args: argparse.Namespace, path: Path, form: str) -> Profile:
    if args.reference is not None:
        return load_profile(Path(args.reference))
    if not args.reference_rows:
        raise TableError(
            "what is normal? Say --reference FILE (outrider profile build DATA -o FILE makes one), "
            "or --reference-rows 20000 to learn from the history's own beginning"
        )

    def beginning() -> Iterator[Batch]:
        left = args.reference_rows
        for batch in batches(path, form):
            rows = min(batch.rows, left)
            columns = {n: v[:rows] for n, v in batch.columns.items() if n != args.timestamp}
            yield Batch(columns, rows)
            left -= rows
            if not left:
                return

    return build_profile(beginning, outputs=args.outputs, from_text=form == "csv")


def _windows(args: argparse.Namespace, path: Path, form: str, replay: Replay) -> Iterator[Judged]:
    clock = Clock(args.timestamp) if args.timestamp is not None else None
    skip = args.reference_rows if args.reference is None else 0
    with Progress(f"judging {path.name}") as progress:
        for batch in batches(path, form, progress, args.timestamp or ""):
            columns: dict[str, Any] = dict(batch.columns)
            times = clock.read(columns, batch.rows) if clock else None
            rows = batch.rows
            if skip:
                passed = min(skip, rows)
                columns = {name: values[passed:] for name, values in columns.items()}
                times = times[passed:] if times is not None else None
                rows, skip = rows - passed, skip - passed
            yield from replay.feed(columns, rows, times)


def _print_window(replay: Replay, judged: Judged) -> None:
    columns = []
    for column in replay.watch.columns:
        verdict = column.verdict
        name = {"column": column.base.column.name, "side": column.base.column.side}
        columns.append(name | (msgspec.to_builtins(verdict) if verdict is not None else {}))
    _print(
        {"kind": "window", "began": judged.began, "ended": judged.ended, "rows": judged.rows,
         "verdicts": columns}
    )  # fmt: skip


def _totals(
    replay: Replay, windows: int, first: float, last: float, alarms: int, settings: Settings
) -> dict[str, object]:
    return {
        "kind": "summary",
        "windows": windows,
        "rows": replay.rows,
        "began": first,
        "ended": last,
        "alarms": alarms,
        "allowed": settings.false_alarms * (last - first),
        "rows_not_judged": replay.watch.window.rows,
    }


def _print(value: dict[str, object]) -> None:
    print(msgspec.json.encode(value).decode())


def _say_what_is_odd(args: argparse.Namespace, replay: Replay, windows: int) -> None:
    def say(text: str) -> None:
        print(f"outrider drift backtest: {text}", file=sys.stderr)

    if not replay.rows:
        raise TableError(f"{args.data}: no rows to judge")
    left = replay.watch.window.rows
    if not windows:
        raise TableError(
            f"{args.data}: {left} rows are not one window of {replay.watch.window.row_limit} rows; "
            "say a smaller --window"
        )
    if left:
        say(f"the last {left} rows are no whole window and were not judged")
    if replay.absent:
        names = sorted(replay.absent)
        say(f"in the reference, not always in the data: {', '.join(names[:8])}")
