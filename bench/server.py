"""What observing adds to a request: inside the model server, or in Outrider before it.

What instrumentation adds is the CPU of the instrumented server less that of the bare one, in the
same round; what Outrider adds is all of its own, as it leaves the server as it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bench import contestants as who
from bench.chart import Bars
from bench.hop import Results, verdict
from bench.measure import rounds
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig

INSTRUMENTED = (who.SERVER_DEFAULT, who.SERVER_LEAN)
FIELD = (who.SERVER, *INSTRUMENTED, who.OFF, who.SIGNALS, who.ALL)
COLUMNS = (
    "contestant",
    "CPU µs/request",
    "adds µs/request",
    "least–most",
    "instrumented adds … × this",
    "one span only adds … × this",
    "requests/s",
    "nothing dropped",
)


@dataclass(frozen=True)
class Added:
    """CPU µs that each adds to a request, round by round, by name."""

    rounds: dict[str, list[float]]

    @classmethod
    def of(cls, results: Results) -> Added:
        """From the measurements; an instrumented server without the bare one adds nothing known."""
        instrumented = {one.name for one in INSTRUMENTED}
        bare = [one.us for one in results.get(who.SERVER.name, [])]
        added = {}
        for name, each in results.items():
            if name == who.SERVER.name:
                continue
            us = [one.us for one in each]
            if name in instrumented:
                us = [more - less for more, less in zip(us, bare, strict=False)]
            added[name] = us
        return cls(added)

    def median(self, name: str) -> float | None:
        """Of one, or None if it did not take part."""
        each = self.rounds.get(name)
        return median(each) if each else None


def rows(field: list[who.Contestant], results: Results, added: Added) -> list[list[str]]:
    """The table's."""
    made = []
    for one in field:
        each, mine = results[one.name], added.median(one.name)
        row = [one.title, f"{median([here.us for here in each]):.1f}"]
        row += [f"{mine:.1f}" if mine else "–", spread(added.rounds.get(one.name, []))]
        for peer in INSTRUMENTED:
            theirs = added.median(peer.name)
            row += [ratio(theirs, mine) if theirs else "–"]
        row += [f"{median([here.load.rate for here in each]):.0f}", verdict(each)]
        made.append(row)
    return made


def server(rig: Rig) -> None:
    """All in turn, `settings.rounds` times."""
    field = who.chosen(rig, FIELD)
    results = rounds(rig, field)
    added = Added.of(results)
    notes = [
        "FastAPI by uvicorn (uvloop, httptools), one worker, no proxy before it. Instrumented: "
        "prometheus-fastapi-instrumentator, opentelemetry-instrumentation-fastapi with spans by "
        "OTLP/HTTP, a python-json-logger middleware. Outrider: before nginx as the model server."
    ]
    settings = rig.settings
    heading = f"{settings.connections} connections, {settings.rounds} rounds"
    heading += f" of {settings.seconds:g} s, 160-byte JSON POST"
    table = Table(heading, COLUMNS, rows(field, results, added), notes)
    titles = {one.name: one.title for one in field}
    values = {titles[name]: each for name, each in added.rounds.items() if each}
    chart = Bars(
        "What observing adds to a request",
        "CPU µs a request",
        values,
        who.SERVER_DEFAULT.title,
        log=True,
    )
    data = {
        "added": added.rounds,
        "measured": {
            name: [asdict(one) | {"us": one.us} for one in each] for name, each in results.items()
        },
    }
    title = "CPU a request: observing inside the model server, or before it"
    versions = who.versions(field)
    write(settings, rig.envoy, "server", title, [table], data, [chart], versions)
