"""What a contestant adds to latency at fixed rates: the open loop of `openloop.py`.

The model is asked straight too, in every round: what is added is the difference of the same
quantile, through the contestant and straight, in the same round. The generator's own delays are
in both.
"""

from __future__ import annotations

import time
from typing import Any

from bench import contestants as who
from bench import cpu, openloop
from bench.chart import Bars, Chart
from bench.contestants import Contestant, running
from bench.openloop import quantile
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig, say

FIELD = (
    who.NONE,
    who.NGINX,
    who.HAPROXY,
    who.ENVOY,
    who.ENVOY_OBSERVED,
    who.OFF,
    who.SIGNALS,
    who.ALL,
)
RATES = (500.0, 1000.0, 2000.0)
"""Requests a second."""
QUANTILES = (0.5, 0.9, 0.99, 0.999)
PEERS = {
    who.OFF.name: who.ENVOY.name,
    who.SIGNALS.name: who.ENVOY_OBSERVED.name,
    who.ALL.name: who.ENVOY_OBSERVED.name,
}
"""Whom each of ours is held against."""

Round = dict[float, dict[float, float]]
"""By rate and quantile: milliseconds."""


def _name(share: float) -> str:
    return f"p{share * 100:g}"


def _once(rig: Rig, contestant: Contestant) -> dict[str, Any]:
    """A fresh start of the contestant at each rate in turn, at rest before each."""
    settings = rig.settings
    found: dict[str, Any] = {"ms": {}, "failed": 0, "others": {}}
    with running(rig, contestant) as one:
        pid, port = one.process.pid, one.launch.port
        openloop.drive(port, rate=RATES[-1], seconds=1, connections=settings.connections)
        for rate in RATES:
            cpu.settle(pid, still=0.5)
            busy, used = cpu.busy(settings.proxy_core), cpu.seconds(pid)
            began = time.perf_counter()
            got = openloop.drive(
                port, rate=rate, seconds=settings.seconds, connections=settings.connections
            )
            others = cpu.busy(settings.proxy_core) - busy - (cpu.seconds(pid) - used)
            found["ms"][rate] = {share: quantile(got.milliseconds, share) for share in QUANTILES}
            found["failed"] += got.failed
            found["others"][rate] = max(0.0, others) / (time.perf_counter() - began)
    said = [
        f"{rate:g}/s {found['ms'][rate][0.5]:.3f} {found['ms'][rate][0.99]:.3f}" for rate in RATES
    ]
    say(f"{contestant.name:18} p50, p99 ms: {', '.join(said)}")
    return found


def added(rounds: list[Round], straight: list[Round], rate: float, share: float) -> list[float]:
    """Milliseconds at that quantile beyond the same round's straight ones, round by round."""
    pairs = zip(rounds, straight, strict=True)
    return [through[rate][share] - direct[rate][share] for through, direct in pairs]


def _beside(mine: float, peer: float) -> str:
    """A ratio of what is added; where noise was larger than that there is none."""
    return ratio(mine, peer) if min(mine, peer) > 0 else "–"


def _table(
    rate: float, field: list[Contestant], extra: dict[str, dict[float, list[float]]], data: Any
) -> Table:
    rows = []
    middle = {name: {q: median(each) for q, each in by.items()} for name, by in extra.items()}
    for one in field:
        mine = middle[one.name]
        row = [one.title, *(f"{mine[share]:.3f}" for share in QUANTILES)]
        row += [spread(extra[one.name][share], 3) for share in (0.5, 0.99)]
        peer = middle.get(PEERS.get(one.name, ""))
        row += [_beside(mine[share], peer[share] if peer else 0.0) for share in (0.5, 0.99)]
        rows.append([*row, f"{sum(each['failed'] for each in data[one.name])}"])
    straight = [each["ms"][rate] for each in data[who.NONE.name]]
    floor = ", ".join(
        f"{_name(share)} {median([one[share] for one in straight]):.3f}" for share in QUANTILES
    )
    columns = ["contestant", *(f"+{_name(share)} ms" for share in QUANTILES)]
    columns += [f"least–most +{_name(share)}" for share in (0.5, 0.99)]
    columns += [f"+{_name(share)} / its Envoy" for share in (0.5, 0.99)]
    most = max(each["others"][rate] for by in data.values() for each in by)
    notes = [f"Straight to the model, in ms: {floor}."]
    notes.append(f"Other programs kept the contestants' core busy for at most {most:.0%}.")
    return Table(f"{rate:g} requests a second", [*columns, "failed"], rows, notes)


def latency(rig: Rig) -> None:
    """All contestants in turn, `settings.rounds` times."""
    chosen = who.chosen(rig, FIELD)
    straight = [] if who.NONE in chosen else [who.NONE]
    data: dict[str, list[dict[str, Any]]] = {one.name: [] for one in [*straight, *chosen]}
    for turn in range(rig.settings.rounds):
        say(f"round {turn + 1} of {rig.settings.rounds}")
        for contestant in [*straight, *chosen]:
            data[contestant.name].append(_once(rig, contestant))
    field = [one for one in chosen if one is not who.NONE]
    floor = [each["ms"] for each in data[who.NONE.name]]
    tables, charts = [], list[Chart]()
    for rate in RATES:
        extra = {
            one.name: {
                share: added([each["ms"] for each in data[one.name]], floor, rate, share)
                for share in QUANTILES
            }
            for one in field
        }
        tables.append(_table(rate, field, extra, data))
        for share in (0.5, 0.99):
            title = f"Added {_name(share)} at {rate:g} requests a second"
            bars = {one.title: extra[one.name][share] for one in field}
            charts.append(Bars(title, "ms", bars, who.ENVOY.title))
    write(rig.settings, rig.envoy, "latency", "Added latency at fixed rates", tables, data, charts)
