"""What a contestant uses while nothing or little happens.

All contestants idle at the same time, each on the proxies' core: there is room for all of them.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from bench import contestants as who
from bench import cpu, openloop
from bench.contestants import Contestant, Running, running
from bench.report import Table, median, ratio, write
from bench.rig import Rig, say

FIELD = (who.NGINX, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL, who.ALL_SINKS)
RATES = (10.0, 100.0)
"""Requests a second."""


def _idle(rig: Rig, field: list[Contestant]) -> dict[str, float]:
    """Per cent of a core, by contestant, warmed by 200 requests first."""
    with ExitStack() as stack:
        up: list[Running] = [stack.enter_context(running(rig, one)) for one in field]
        for one in up:
            openloop.drive(one.launch.port, rate=200, seconds=1)
        for one in up:
            cpu.settle(one.process.pid)
        before = [cpu.seconds(one.process.pid) for one in up]
        say(f"all {len(up)} idle for {rig.settings.idle:g} s")
        time.sleep(rig.settings.idle)
        after = [cpu.seconds(one.process.pid) for one in up]
    used = [(late - early) / rig.settings.idle for early, late in zip(before, after, strict=True)]
    return {one.name: share * 100 for one, share in zip(field, used, strict=True)}


def _slow(rig: Rig, contestant: Contestant, rate: float) -> dict[str, float]:
    """CPU µs a request at `rate`, idling included, and the latency's median in ms."""
    with running(rig, contestant) as one:
        pid, port = one.process.pid, one.launch.port
        openloop.drive(port, rate=200, seconds=1)
        before = cpu.settle(pid)
        answers = openloop.drive(port, rate=rate, seconds=rig.settings.idle)
        used = cpu.settle(pid) - before
    say(f"{contestant.name:18} {rate:g}/s  {used * 1e6 / answers.answered:7.0f} µs/request")
    return {
        "us": used * 1e6 / answers.answered,
        "p50": median(answers.milliseconds),
        "failed": answers.failed,
    }


def idle(rig: Rig) -> None:
    """Idle, and at 10 and 100 requests a second."""
    field = who.chosen(rig, FIELD)
    resting = _idle(rig, field)
    slow: dict[str, dict[float, Any]] = {
        one.name: {rate: _slow(rig, one, rate) for rate in RATES} for one in field
    }
    columns = ["contestant", "idle, % of a core"]
    columns += [f"µs/request at {rate:g}/s" for rate in RATES]
    columns += [f"/ Envoy observed at {rate:g}/s" for rate in RATES]
    peer = slow.get(who.ENVOY_OBSERVED.name)
    rows = []
    for one in field:
        mine = slow[one.name]
        row = [one.title, f"{resting[one.name]:.2f}"]
        row += [f"{mine[rate]['us']:.0f}" for rate in RATES]
        row += [ratio(mine[rate]["us"], peer[rate]["us"] if peer else None) for rate in RATES]
        rows.append(row)
    note = f"Over {rig.settings.idle:g} s each, in one run; at a low rate idling is part of it."
    table = Table("Idle and at low rates", columns, rows, [note])
    data = {"idle_percent": resting, "slow": slow}
    write(rig.settings, rig.envoy, "idle", "CPU while little happens", [table], data)
