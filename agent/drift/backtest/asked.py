"""What the arguments of `outrider drift backtest` ask for.

Rule: whatever is wrong with them is said here, before a row is read.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple, get_args

from agent.building import ConfigError
from agent.config import Drift
from agent.drift.backtest.beginning import Beginning
from agent.drift.classic import Rule
from agent.drift.settings import Settings
from agent.drift.table import TableError, format_of
from agent.drift.times import epoch
from agent.loading import load
from agent.units import Duration, Rate

MODES = ("evidence", *get_args(Rule))


class Asked(NamedTuple):
    """A history, and how to judge it."""

    path: Path
    format: str
    settings: Settings
    reference: str
    """A file."""
    beginning: Beginning | None
    """If this is the reference."""
    timed: bool
    """Rows have times."""


def asked(args: argparse.Namespace) -> Asked:
    """Raises ConfigError, TableError."""
    path = Path(args.data)
    drift = load(args.config, os.environ).drift if args.config else Drift()
    beginning = _beginning(args)
    named = drift.reference if isinstance(drift.reference, str) else None
    reference = args.reference or (named if beginning is None else None)
    if reference is None and beginning is None:
        raise TableError(
            "what is normal? Say --reference FILE (outrider profile build DATA -o FILE makes one), "
            "or --reference-until TIME or --reference-rows 20000 to learn it from the history's "
            "own beginning"
        )
    if reference is not None and args.outputs:
        raise ConfigError(
            "--outputs", "", ",".join(args.outputs), "the reference's file says which"
        )
    return Asked(
        path,
        args.format or format_of(path),
        _settings(args, drift),
        reference or "",
        beginning,
        args.timestamp is not None,
    )


def _beginning(args: argparse.Namespace) -> Beginning | None:
    rows, until = args.reference_rows, args.reference_until
    if rows is not None:
        if rows < 1:
            raise ConfigError("--reference-rows", "", str(rows), "wanted at least 1")
        return Beginning(rows, None)
    if until is None:
        return None
    if args.timestamp is None:
        raise ConfigError("--reference-until", "", until, "--reference-until needs --timestamp")
    time = epoch(until)
    if time is None:
        raise ConfigError("--reference-until", "", until, "wanted ISO 8601, or epoch seconds")
    return Beginning(None, time)


def _settings(args: argparse.Namespace, drift: Drift) -> Settings:
    """The drift section of the configuration, less what the arguments say otherwise."""
    given: dict[str, Any] = {
        "window_rows": drift.window.rows if args.window is None else args.window,
        "window_seconds": _read(Duration, "--interval", args.interval, drift.window.seconds),
        "false_alarms": _read(Rate, "--false-alarms", args.false_alarms, drift.false_alarms),
        "replicas": drift.replicas if args.replicas is None else args.replicas,
        "min_effect": drift.min_effect if args.min_effect is None else args.min_effect,
        "mode": args.mode or drift.mode,
        "natural_variation": drift.natural_variation,
    }
    given["false_alarms"] = given["false_alarms"].per_second
    if not 0 < given["window_seconds"] < float("inf"):
        raise ConfigError("--interval", "", repr(args.interval), "wanted a duration like 5m")
    if given["window_rows"] < 1 or given["replicas"] < 1:
        raise ConfigError("--window, --replicas", "", "", "wanted at least 1")
    if given["mode"] not in MODES:
        raise ConfigError("--mode", "", repr(args.mode), f"wanted {', '.join(MODES)}")
    return Settings(**given)


def _read(kind: Any, flag: str, text: str | None, otherwise: Any) -> Any:
    if text is None:
        return otherwise
    try:
        return kind(text)
    except ValueError as problem:
        raise ConfigError(flag, "", repr(text), str(problem)) from None
