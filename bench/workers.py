"""How CPU and requests a second grow with connections, from one to a thousand, and with workers.

A contestant is started once a round and loaded with one number of connections after the other.
Each worker has a core of its own where the machine has one to spare; on a machine of two cores
they share one, and the table then says what a second worker costs, not what it gains.
"""

from __future__ import annotations

from dataclasses import asdict

from bench import contestants as who
from bench.chart import Chart, Lines
from bench.contestants import Contestant, running
from bench.hop import verdict
from bench.measure import Measurement, loaded, warm
from bench.report import Table, median, spread, write
from bench.rig import Rig, say

CONNECTIONS = {1: (1, 16, 256, 1000), 2: (16, 1000)}
"""By number of workers: one connection needs no second worker."""

KINDS = (who.NGINX, who.ENVOY, who.OFF, who.ALL)
FIELD = tuple(who.with_workers(one, count) for one in KINDS for count in CONNECTIONS)

Grown = dict[str, dict[int, list[Measurement]]]
"""The rounds, by name and number of connections."""


def _measure(rig: Rig, field: list[Contestant]) -> Grown:
    results: Grown = {one.name: {count: [] for count in CONNECTIONS[one.workers]} for one in field}
    for turn in range(rig.settings.rounds):
        say(f"round {turn + 1} of {rig.settings.rounds}")
        for contestant in field:
            with running(rig, contestant) as one:
                warm(rig, one)
                for count, each in results[contestant.name].items():
                    each.append(loaded(rig, one, count))
    return results


def _table(rig: Rig, field: list[Contestant], results: Grown) -> Table:
    columns = ["contestant", "cores", "connections", "CPU µs/request", "least–most"]
    columns += ["requests/s", "its cores busy", "nothing dropped"]
    rows = []
    for contestant in field:
        cores = len(rig.settings.cores(contestant.workers))
        for count, each in results[contestant.name].items():
            us = [one.us for one in each]
            row = [contestant.title, str(cores), str(count), f"{median(us):.1f}", spread(us)]
            row += [f"{median([one.load.rate for one in each]):.0f}"]
            row += [f"{median([one.busy for one in each]):.0%}", verdict(each)]
            rows.append(row)
    heading = f"{rig.settings.rounds} rounds of {rig.settings.seconds:g} s, 160-byte JSON POST"
    note = "wrk and the model server have one core together: where a contestant's cores are not "
    note += (
        "busy, these two were what held the rate back. Opening the connections is part of a load."
    )
    return Table(heading, columns, rows, [note])


def _charts(field: list[Contestant], results: Grown) -> list[Chart]:
    def lines(title: str, unit: str, figures: dict[str, dict[int, list[float]]]) -> Lines:
        values = {one.title: list(figures[one.name].items()) for one in field}
        return Lines(title, "connections", unit, values)

    us = {
        name: {count: [one.us for one in each] for count, each in grown.items()}
        for name, grown in results.items()
    }
    rates = {
        name: {count: [one.load.rate for one in each] for count, each in grown.items()}
        for name, grown in results.items()
    }
    return [
        lines("CPU a request", "CPU µs a request", us),
        lines("Requests a second", "requests a second", rates),
    ]


def workers(rig: Rig) -> None:
    """All in turn, `settings.rounds` times."""
    field = who.chosen(rig, FIELD)
    results = _measure(rig, field)
    data = {
        name: {
            str(count): [asdict(one) | {"us": one.us} for one in each]
            for count, each in grown.items()
        }
        for name, grown in results.items()
    }
    title = "How a request's cost grows with connections and workers"
    tables = [_table(rig, field, results)]
    write(rig.settings, rig.envoy, "workers", title, tables, data, _charts(field, results))
