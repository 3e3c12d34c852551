"""How sure a model is of each row: of probabilities, of independent scores, of one confidence.

Rule: histograms on fixed edges, counted in batches; pure but for the counts.

- confidence: the greatest probability or score of a row;
- margin: that less the second greatest;
- entropy of probabilities, over its maximum, the logarithm of their number: 0: sure;
- labels: of independent scores how many are HALF or more.

Confidence is also judged for drift where the reference has probabilities (`drift.derived`). Margin
and entropy are not: of two classes they are functions of the confidence, of more nearly so, and
each further question would take its share of the budget of false alarms from the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agent.quality.batch import Floats, Ints

HALF = 0.5
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
LABELS = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
EDGES = {"confidence": SHARES, "margin": SHARES, "entropy": SHARES, "labels": LABELS}
"""Upper edges of the buckets of each measure."""


class Histogram(NamedTuple):
    """Counts by bucket, the last one without an upper edge; sum of the values."""

    counts: Ints
    sum: float


class Histograms:
    """Of one group of outputs; a measure is there once a row had it."""

    def __init__(self) -> None:
        self.of: dict[str, Histogram] = {}

    def add(self, measure: str, values: Floats) -> None:
        """Counts finite values."""
        edges = np.array(EDGES[measure])
        counts = np.bincount(edges.searchsorted(values), minlength=len(edges) + 1)
        before = self.of.get(measure)
        total = float(values.sum())
        if before is not None:
            counts, total = counts + before.counts, total + before.sum
        self.of[measure] = Histogram(counts, total)

    def see(self, kind: str, values: Floats) -> None:
        """Counts rows [row, member] of a kind of `groups.Kind`; those not whole are left out."""
        rows = values[np.isfinite(values).all(axis=1)]
        if not len(rows):
            return
        first, second = greatest(rows)
        self.add("confidence", first)
        if second is not None:
            self.add("margin", first - second)
        if kind == "probabilities":
            self.add("entropy", entropy(rows))
        elif kind == "scores":
            self.add("labels", (rows >= HALF).sum(axis=1).astype(np.float64))


def greatest(rows: Floats) -> tuple[Floats, Floats | None]:
    """Of each row the greatest value and the second greatest, if there is one."""
    if rows.shape[1] == 1:
        return rows[:, 0], None
    sorted_ = np.partition(rows, -2, axis=1)
    return sorted_[:, -1], sorted_[:, -2]


def entropy(rows: Floats) -> Floats:
    """Of rows of probabilities, between 0 and 1."""
    shares = np.clip(rows, 0.0, 1.0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    of_rows = -(shares * logs).sum(axis=1) / np.log(rows.shape[1])
    return np.asarray(np.minimum(of_rows, 1.0), dtype=np.float64)
