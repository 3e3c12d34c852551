"""How drift is judged, as the arguments of a command and its configuration say.

Rule: whatever is wrong with them is a `ConfigError`.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from agent.config import Drift
from agent.drift.settings import Settings
from agent.settings.building import ConfigError
from agent.settings.loading import load
from agent.settings.units import Duration, Rate


def settings_of(args: argparse.Namespace, drift: Drift) -> Settings:
    """The drift section of the configuration, less what the arguments say otherwise.

    Of `--window`, `--interval`, `--false-alarms`, `--replicas`, `--min-effect`. Raises ConfigError.
    """
    rate = _read(Rate, "--false-alarms", args.false_alarms, drift.false_alarms)
    given = Settings(
        window_rows=drift.window.rows if args.window is None else args.window,
        window_seconds=_read(Duration, "--interval", args.interval, drift.window.seconds),
        false_alarms=rate.per_second,
        replicas=drift.replicas if args.replicas is None else args.replicas,
        min_effect=drift.min_effect if args.min_effect is None else args.min_effect,
        mode=drift.mode,
        natural_variation=drift.natural_variation,
    )
    if not 0 < given.window_seconds < float("inf"):
        raise ConfigError("--interval", "", repr(args.interval), "wanted a duration like 5m")
    for flag, number in (("--window", given.window_rows), ("--replicas", given.replicas)):
        if number < 1:
            raise ConfigError(flag, "", str(number), "wanted at least 1")
    if not 0 <= given.min_effect < float("inf"):
        raise ConfigError("--min-effect", "", str(args.min_effect), "wanted 0 or more")
    return given


def drift_of(args: argparse.Namespace) -> Drift:
    """That section of `--config`, or the defaults. Raises ConfigError."""
    return load(args.config, os.environ).drift if args.config else Drift()


def _read(kind: Any, flag: str, text: str | None, otherwise: Any) -> Any:
    if text is None:
        return otherwise
    try:
        return kind(text)
    except ValueError as problem:
        raise ConfigError(flag, "", repr(text), str(problem)) from None
