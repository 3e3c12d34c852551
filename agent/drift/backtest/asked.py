"""What the arguments of `outrider drift backtest` ask for.

Rule: whatever is wrong with them is said here, before a row is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple, get_args

from agent.config import Drift
from agent.drift.backtest.beginning import Beginning
from agent.drift.engine.classic import Rule
from agent.drift.given import drift_of, settings_of
from agent.drift.reference.times import epoch
from agent.drift.rows.table import TableError, format_of
from agent.drift.settings import Settings
from agent.settings.building import ConfigError

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
    drift = drift_of(args)
    if args.picture and Path(args.picture).suffix.lower() != ".svg":
        raise ConfigError("--picture", "", args.picture, "it is drawn as SVG: wanted FILE.svg")
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
    mode = args.mode or drift.mode
    if mode not in MODES:
        raise ConfigError("--mode", "", repr(args.mode), f"wanted {', '.join(MODES)}")
    return settings_of(args, drift)._replace(mode=mode)
