"""How sure models are of their answers, as histograms: a part of `/api/v1/predictions`.

Rule: shows, computes nothing; of all rows since the start of the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agent.quality.confidence import EDGES, Histogram
from agent.quality.watch import Watch


def distributions(watched: Iterable[Watch]) -> Iterator[dict[str, Any]]:
    """Of each group of outputs each measure of `confidence` that a row had."""
    for watch in watched:
        told: set[tuple[str, str]] = set()
        for layout in watch.layouts.values():
            for output, histograms in layout.histograms.items():
                for measure, found in histograms.of.items():
                    if (output, measure) not in told:
                        told.add((output, measure))
                        name = {"model": watch.tally.model, "version": watch.tally.version}
                        yield name | {"output": output, "kind": measure} | _of(measure, found)


def _of(measure: str, found: Histogram) -> dict[str, Any]:
    edges, counts = EDGES[measure], found.counts.tolist()
    rows = sum(counts)
    lows, highs = [None, *edges], [*edges, None]
    return {
        "bins": [
            {"low": low, "high": high, "now": count / rows, "reference": None}
            for low, high, count in zip(lows, highs, counts, strict=True)
            if count
        ],
        "rows": rows,
        "mean": found.sum / rows,
        "quantiles": None,
        "of": "since the start",
    }
