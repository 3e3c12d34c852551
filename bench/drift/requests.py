"""Traffic in requests of many rows that go together, and no drift; and learned references.

Each request has an effect of its own on each column, by which its rows are alike: normal and
heavy-tailed columns and counts are moved by it, others scaled, categories tilted. The reference's
rows have an effect each, as rows of many requests have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from agent.decode.payload import Payload, Value
from agent.drift.engine.chart import Chart
from agent.drift.reference.profile import ColumnProfile
from agent.drift.settings import Settings as Drift
from agent.drift.traffic.batches import Batches
from agent.drift.traffic.model import ModelWatch
from bench.drift.data import (
    COLUMNS,
    COUNTS,
    HEAVY,
    NORMAL,
    Floats,
    Generator,
    Names,
    Source,
    reference,
    truth,
)
from bench.drift.ours import (
    BLOCK,
    REFERENCE,
    SECONDS,
    WINDOWS,
    Outcome,
    Traffic,
    Window,
    draws,
    new_chart,
    watched,
)  # fmt: skip

EFFECT = 0.3
"""Standard deviation of a request's effect, in those of the column: two of its rows correlate by
about 0.08, and 1,000 of them tell no more than a dozen."""
LEARNED = 5000


@dataclass(frozen=True)
class Requests:
    """Windows of so many requests of so many rows."""

    name: str
    sizes: tuple[int, ...]
    """Of the requests of each window, in any order."""

    @property
    def rows(self) -> int:
        return sum(self.sizes)


REQUESTS = (
    Requests("requests of 1,000 rows, one a window", (1000,)),
    Requests("requests of 1,000 rows, ten a window", (1000,) * 10),
    Requests("requests of 2 to 500 rows", (2,) * 8 + (10,) * 6 + (50,) * 4 + (500,)),
)


def in_requests(kind: Requests, seeds: Sequence[int], windows: int = WINDOWS) -> list[Outcome]:
    """For each seed one reference and so many windows."""
    rng = np.random.default_rng([*seeds, *kind.sizes[:1], len(kind.sizes), 13])
    profiles = [one for _ in seeds for one in _reference(rng)]
    chart = new_chart(profiles, Traffic(kind.name, kind.rows), len(seeds))
    return watched(chart, _windows(rng, kind, chart, len(seeds), windows), len(seeds))


def _windows(
    rng: Generator, kind: Requests, chart: Chart, sequences: int, windows: int
) -> Iterator[Window]:
    """Counts of windows; the chart is shown some requests before each, as a model's is."""
    batches = Batches()
    block = max(1, BLOCK // len(kind.sizes))
    for begin in range(0, windows, block):
        count = min(block, windows - begin)
        sizes = np.stack([rng.permutation(kind.sizes) for _ in range(count)])
        counts = [
            rng.multinomial(sizes.ravel(), _varied(rng, source, column, sizes.size))
            for column, (_, source) in zip(chart.columns, [*COLUMNS] * sequences, strict=True)
        ]
        for i, rows in enumerate(sizes):
            first = i * len(rows)
            for at, n in enumerate(rows.tolist()):
                batches.add({}, n, None, first + at)
            looked = batches.take()
            if looked:
                places = [one.at for one in looked]
                some = [each[places] for each in counts]
                chart.requests.of("input").add(some, np.array([one.rows for one in looked]))
            whole = [each[first : first + len(rows)].sum(0) for each in counts]
            yield Window(np.concatenate(whole), SECONDS, batches.close())


def _varied(rng: Generator, source: Source, column: ColumnProfile, requests: int) -> Floats:
    """The probability of each bin in each of some requests."""
    effects = rng.normal(scale=EFFECT, size=requests)
    if isinstance(source, Names):
        return source.cells_tilted(column, effects)
    if source in (NORMAL, HEAVY, COUNTS):
        return source.cells_moved(column, effects)
    return source.cells_scaled(column, np.exp(effects))


def _reference(rng: Generator) -> list[ColumnProfile]:
    """Of rows of as many requests."""
    columns = []
    for shape, (_, source) in zip(reference(rng, REFERENCE), COLUMNS, strict=True):
        shares = _varied(rng, source, shape, REFERENCE)
        total: list[int] = rng.multinomial(1, shares).sum(0).tolist()
        columns.append(
            msgspec.structs.replace(shape, counts=total[:-2], missing=total[-2], invalid=total[-1])
        )
    return columns


def learned(traffic: Traffic, seeds: Sequence[int], windows: int = WINDOWS) -> list[Outcome]:
    """References that the engine learned of the first rows of the same traffic."""
    rng = np.random.default_rng([*seeds, traffic.rows, 17])
    profiles = [one for _ in seeds for one in _learned(rng, traffic.reference)]
    chart = new_chart(profiles, traffic, len(seeds))
    shares = truth(profiles, [*COLUMNS] * len(seeds))
    return watched(chart, _plain_windows(rng, traffic, shares, windows), len(seeds))


def _plain_windows(
    rng: Generator, traffic: Traffic, shares: Sequence[Floats], windows: int
) -> Iterator[Window]:
    for begin in range(0, windows, BLOCK):
        rows = [traffic.rows] * min(BLOCK, windows - begin)
        for counts in np.concatenate(draws(rng, rows, shares), axis=1):
            yield Window(counts, traffic.seconds)


def _learned(rng: Generator, rows: int) -> list[ColumnProfile]:
    """Columns as ours are ordered; the older half of the rows may have been left out."""
    model = ModelWatch("", Drift(learn_rows=rows), None, 0.0)
    while model.phase == "learning":
        columns: dict[str, list[Value]] = {
            name: list(source.rows(rng, rows // 10)) for name, source in COLUMNS
        }
        if model.add(Payload("", "", "", columns, {}, rows // 10, 0, 0)):
            model.complete(0.0)
    assert model.reference is not None
    known = {column.name: column for column in model.reference.columns}
    return [known[name] for name, _ in COLUMNS]
