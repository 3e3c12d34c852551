"""How long from exec to ready."""

from __future__ import annotations

from bench import contestants as who
from bench.contestants import running
from bench.report import Table, median, spread, write
from bench.rig import Rig, say

FIELD = (who.NGINX, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL, who.ALL_SINKS)


def start(rig: Rig) -> None:
    """Seconds from exec to the first 200 of each one's readiness, asked every 5 ms."""
    field = who.chosen(rig, FIELD)
    times: dict[str, list[float]] = {one.name: [] for one in field}
    for turn in range(rig.settings.starts):
        say(f"start {turn + 1} of {rig.settings.starts}")
        for contestant in field:
            with running(rig, contestant) as one:
                times[contestant.name].append(one.ready_after)
    rows = [
        [one.title, f"{median(times[one.name]):.3f}", spread(times[one.name], 3)] for one in field
    ]
    columns = ["contestant", "seconds to ready", "least–most"]
    note = "On one core. Outrider: `/readyz` of its health port; Envoy: `/ready` of its admin port."
    table = Table(f"Exec to ready, {rig.settings.starts} starts", columns, rows, [note])
    write(rig.settings, rig.envoy, "start", "Start to ready", [table], times)
