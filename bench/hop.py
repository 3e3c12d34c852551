"""What a request costs: CPU µs of all processes of a contestant, and how many it can serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from bench import contestants as who
from bench.chart import Bars, Chart
from bench.contestants import Contestant
from bench.measure import Measurement, rounds
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig

HOP = (
    who.NONE,
    who.NGINX,
    who.HAPROXY,
    who.ENVOY,
    who.ENVOY_LOG,
    who.ENVOY_OBSERVED,
    who.ENVOY_WATCHED,
    who.ENVOY_BODIES,
    who.MITMPROXY,
    who.AIOHTTP,
    who.OFF,
    who.SIGNALS,
    who.ALL,
)
FEW = (who.NONE, who.NGINX, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL)
"""At other numbers of connections."""
OBSERVED = (who.ENVOY_OBSERVED, who.ALL, who.ALL_GRPC, who.ALL_LOKI)
IDS = (who.NGINX, who.ENVOY, who.OFF, who.ENVOY_OBSERVED, who.ALL)
COLUMNS = (
    "contestant",
    "CPU µs/request",
    "least–most",
    "worker",
    "observer",
    "/ nginx",
    "/ Envoy plain",
    "/ Envoy observed",
    "requests/s",
    "its core busy",
    "p99 ms",
    "nothing dropped",
)

Results = dict[str, list[Measurement]]
Part = tuple[int, tuple[Contestant, ...]]
"""So many connections, and who is measured with them."""


def verdict(results: list[Measurement]) -> str:
    """Whether nothing was dropped: yes, up to some rate, or no and what is missing."""
    if not all(one.holds for one in results):
        lacking = next(one for one in results if not one.holds)
        reasons = [f"{count} {kind}" for kind, count in lacking.lacking.items()]
        reasons += [f"{lacking.load.failed} failed"] if lacking.load.failed else []
        return f"**no: {', '.join(reasons)} missing**"
    rates = [one.asked_rate for one in results if one.asked_rate]
    return f"up to {median(rates):.0f}/s" if rates else "yes"


def table(heading: str, field: list[Contestant], results: Results) -> Table:
    """Medians, spread and ratios to the peers that were in the same run."""
    us = {name: median([one.us for one in each]) for name, each in results.items()}
    peers = [us.get(peer.name) for peer in (who.NGINX, who.ENVOY, who.ENVOY_OBSERVED)]
    rows = []
    for contestant in field:
        each = results[contestant.name]
        row = [contestant.title, f"{us[contestant.name]:.1f}", spread([one.us for one in each])]
        parts = [median([one.us_of(role) for one in each]) for role in ("worker", "observer")]
        row += [f"{part:.1f}" if part else "–" for part in parts]
        row += [ratio(us[contestant.name], peer) for peer in peers]
        row += [f"{median([one.load.rate for one in each]):.0f}"]
        row += [f"{median([one.busy for one in each]):.0%}"]
        row += [f"{median([one.load.p99 for one in each]) / 1e3:.1f}", verdict(each)]
        rows.append(row)
    others = max(one.others for each in results.values() for one in each)
    note = f"Other programs kept the contestants' core busy for at most {others:.0%} of a load."
    return Table(heading, COLUMNS, rows, [note])


def bars(
    title: str,
    unit: str,
    field: list[Contestant],
    results: Results,
    figure: Callable[[Measurement], float],
    peers: tuple[Contestant, ...],
) -> Bars:
    """One figure of each, with ratios to the first of `peers` that took part."""
    values = {one.title: [figure(each) for each in results[one.name]] for one in field}
    values = {title: each for title, each in values.items() if all(each)}
    there = [peer.title for peer in peers if peer.title in values]
    middles = [median(each) for each in values.values()]
    tens = bool(middles) and max(middles) > 20 * min(middles)
    return Bars(title, unit, values, next(iter(there), None), log=tens)


def run(
    rig: Rig, question: str, title: str, parts: list[Part], peers: tuple[Contestant, ...]
) -> None:
    """Measure each part in alternating rounds and write one report."""
    data: dict[str, Any] = {}
    tables: list[Table] = []
    charts: list[Chart] = []
    present: list[Contestant] = []
    for connections, field in parts:
        here = replace(rig, settings=replace(rig.settings, connections=connections))
        entrants = who.chosen(here, field)
        if not entrants:
            continue
        results = rounds(here, entrants)
        few = f"{connections} connection" + "s" * (connections > 1)
        heading = f"{few}, {rig.settings.rounds} rounds of {rig.settings.seconds:g} s"
        tables.append(table(f"{heading}, 160-byte JSON POST", entrants, results))
        cpu = bars(few, "CPU µs a request", entrants, results, lambda one: one.us, peers)
        rate = bars(few, "requests a second", entrants, results, lambda one: one.load.rate, peers)
        charts += [cpu, rate]
        present += entrants
        data[str(connections)] = {
            name: [asdict(one) | {"us": one.us} for one in each] for name, each in results.items()
        }
    versions = who.versions(present)
    write(rig.settings, rig.envoy, question, title, tables, data, charts, versions)


def hop(rig: Rig) -> None:
    """Everybody with 16 connections, a few with 1 and with 256."""
    parts = [(rig.settings.connections, HOP), (1, FEW), (256, FEW)]
    run(rig, "hop", "CPU a request: the hop", parts, (who.ENVOY,))


def ids(rig: Rig) -> None:
    """With an Authorization of its own in every request: no head is seen twice."""
    strange = replace(rig, settings=replace(rig.settings, ids=True))
    title = "CPU a request: every request with a head of its own"
    run(strange, "ids", title, [(rig.settings.connections, IDS)], (who.ENVOY,))


def observed(rig: Rig) -> None:
    """The hop with every request observed, by each of Outrider's ways out."""
    title = "CPU a request: every request observed"
    parts = [(rig.settings.connections, OBSERVED)]
    run(rig, "observed", title, parts, (who.ENVOY_OBSERVED, who.ENVOY))
