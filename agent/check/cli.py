"""`outrider check`: a line a check, and an exit status that says which failed first."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence

import msgspec

from agent.check.arguments import CODES
from agent.check.checks import CHECKS, Ports, Result, looked
from agent.client import ADMIN, HEALTH, Sidecar, Unreachable
from agent.settings.building import ConfigError
from agent.settings.units import Duration

PAUSE = 0.5
"""Seconds between two tries."""
TIMEOUT = 5.0
"""Seconds that an answer may take."""


def check(args: argparse.Namespace) -> int:
    """`check [--admin URL] [--health URL] [--wait TIME] [--skip …] [--json]`."""
    wait = _wait(args.wait)
    token = args.token or os.environ.get("OUTRIDER_ADMIN__TOKEN", "")
    try:
        admin = Sidecar(args.admin or ADMIN, token, timeout=TIMEOUT)
        health = Sidecar(args.health or HEALTH, flag="--health", timeout=TIMEOUT)
    except Unreachable as problem:
        print(f"outrider check: {problem}", file=sys.stderr)
        return 2
    ports = Ports(admin, health, args.need_verdicts)
    names = [name for name in CHECKS if name not in args.skip]
    results = _tried(ports, names, time.monotonic() + wait)
    status = next((CODES[result.check] for result in results if not result.ok), 0)
    if args.json:
        print(msgspec.json.encode({"status": status, "checks": results}).decode())
    else:
        print("\n".join(line for result in results for line in _lines(result)))
    return status


def _wait(text: str) -> float:
    try:
        wait = float(Duration(text))
    except ValueError:
        wait = math.inf
    if not math.isfinite(wait):
        raise ConfigError("--wait", "", repr(text), "wanted a duration like 30s or 2m")
    return wait


def _tried(ports: Ports, names: Sequence[str], until: float) -> list[Result]:
    """The results of the first try in which all is well, or of the last one."""
    while True:
        results = [looked(name, ports) for name in names]
        left = until - time.monotonic()
        if left <= 0 or all(result.ok for result in results):
            return results
        time.sleep(min(PAUSE, left))


def _lines(result: Result) -> list[str]:
    lines = [f"{'ok' if result.ok else 'FAILED':<8}{result.check:<9}{result.text}"]
    return lines if result.ok else [*lines, f"{'':<17}{result.remedy}"]
