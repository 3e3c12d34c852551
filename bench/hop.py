"""What a request costs: CPU µs of all processes of a contestant."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from bench import contestants as who
from bench.chart import Bars
from bench.contestants import Contestant
from bench.measure import Measurement, rounds
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig

HOP = (who.NGINX, who.ENVOY, who.OFF)
OBSERVED = (
    who.NGINX,
    who.ENVOY,
    who.ENVOY_OBSERVED,
    who.SIGNALS,
    who.ALL,
    who.ALL_GRPC,
    who.ALL_LOKI,
)
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
    "p99 ms",
    "nothing dropped",
)


def _verdict(results: list[Measurement]) -> str:
    if not all(one.holds for one in results):
        lacking = next(one for one in results if not one.holds)
        reasons = [f"{count} {kind}" for kind, count in lacking.lacking.items()]
        reasons += [f"{lacking.load.failed} failed"] if lacking.load.failed else []
        return f"**no: {', '.join(reasons)} missing**"
    rates = [one.asked_rate for one in results if one.asked_rate]
    return f"up to {median(rates):.0f}/s" if rates else "yes"


def table(heading: str, field: list[Contestant], results: dict[str, list[Measurement]]) -> Table:
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
        row += [f"{median([one.load.p99 for one in each]) / 1e3:.1f}", _verdict(each)]
        rows.append(row)
    others = max(one.others for each in results.values() for one in each)
    note = f"Other programs kept the contestants' core busy for at most {others:.0%} of a load."
    return Table(heading, COLUMNS, rows, [note])


def bars(title: str, field: list[Contestant], results: dict[str, list[Measurement]]) -> Bars:
    """CPU µs a request, with ratios to Envoy observed where it took part, else to plain Envoy."""
    values = {one.title: [each.us for each in results[one.name]] for one in field}
    there = [peer.title for peer in (who.ENVOY_OBSERVED, who.ENVOY) if peer.title in values]
    return Bars(title, "CPU µs a request", values, next(iter(there), None))


def run(rig: Rig, question: str, title: str, field: tuple[Contestant, ...]) -> None:
    """Measure a field in alternating rounds and write its report."""
    settings = rig.settings
    entrants = who.chosen(rig, field)
    results = rounds(rig, entrants)
    heading = f"{settings.connections} connections, {settings.rounds} rounds"
    heading += f" of {settings.seconds:g} s, 160-byte JSON POST"
    data: dict[str, Any] = {
        name: [asdict(one) | {"us": one.us} for one in each] for name, each in results.items()
    }
    tables, charts = [table(heading, entrants, results)], [bars(title, entrants, results)]
    write(settings, rig.envoy, question, title, tables, data, charts)


def hop(rig: Rig) -> None:
    """The bare hop."""
    run(rig, "hop", "CPU a request: the hop", HOP)


def ids(rig: Rig) -> None:
    """Both with an Authorization of its own in every request: no head is seen twice."""
    strange = replace(rig, settings=replace(rig.settings, ids=True))
    run(strange, "ids", "CPU a request: every request with a head of its own", IDS)


def observed(rig: Rig) -> None:
    """The hop with every request observed."""
    run(rig, "observed", "CPU a request: every request observed", OBSERVED)
