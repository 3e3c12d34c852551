"""How long from exec to ready, and for Outrider to the first answer of its metrics port.

The two are different processes: the worker takes traffic before the observer is up.
"""

from __future__ import annotations

import time

from bench import contestants as who
from bench import processes
from bench.chart import Bars
from bench.contestants import Running, running
from bench.report import Table, median, spread, write
from bench.rig import Rig, say

PATIENCE = 10.0
"""Seconds to wait for the metrics port."""


def _observed_after(one: Running) -> float | None:
    """Seconds from exec to the first 200 of its metrics, if it has any and they come."""
    if not one.launch.metrics:
        return None
    began = time.perf_counter()
    while processes.status(one.launch.metrics) != 200:
        if time.perf_counter() - began > PATIENCE:
            return None
        time.sleep(0.005)
    return one.ready_after + time.perf_counter() - began


def start(rig: Rig) -> None:
    """Seconds from exec to the first 200 of each one's readiness, asked every 5 ms."""
    field = who.chosen(rig, who.STANDING)
    times: dict[str, list[float]] = {one.name: [] for one in field}
    metrics: dict[str, list[float]] = {one.name: [] for one in field}
    for turn in range(rig.settings.starts):
        say(f"start {turn + 1} of {rig.settings.starts}")
        for contestant in field:
            with running(rig, contestant) as one:
                times[contestant.name].append(one.ready_after)
                if after := _observed_after(one):
                    metrics[contestant.name].append(after)
    rows = []
    for contestant in field:
        row = [contestant.title]
        for each in (times[contestant.name], metrics[contestant.name]):
            row += [f"{median(each):.3f}" if each else "–", spread(each, 3)]
        rows.append(row)
    columns = ["contestant", "seconds to ready", "least–most", "to metrics", "least–most"]
    ready = {contestant.title: times[contestant.name] for contestant in field}
    note = "On one core. Outrider: `/readyz` of its health port; Envoy: `/ready` of its admin port."
    table = Table(f"Exec to ready, {rig.settings.starts} starts", columns, rows, [note])
    write(
        rig.settings,
        rig.envoy,
        "start",
        "Start to ready",
        [table],
        {"ready": times, "metrics": metrics},
        [Bars("Exec to ready", "seconds", ready, who.ENVOY.title, log=True)],
    )
