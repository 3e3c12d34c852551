"""Reports of columns that no traffic was sent for: many of them, and hostile ones."""

from __future__ import annotations

import random

from agent.drift.profiles.compare import Level
from agent.drift.reference.profile import ColumnProfile, Profile, make
from agent.report.content import Report
from agent.report.samples import Sample, compared_report


def numeric(name: str, rows: int, shift: float, seed: int) -> ColumnProfile:
    """Normal values on bins of a reference."""
    edges = [-4.0, *(-2 + 0.2 * n for n in range(21)), 4.0]
    rng = random.Random(seed)
    counts = [0] * (len(edges) + 1)
    for _ in range(rows):
        value = rng.gauss(shift, 1)
        counts[sum(value > edge for edge in edges)] += 1
    return ColumnProfile(name, "input", "numeric", counts, rows // 100, 0, edges)


def categorical(name: str, categories: list[str], counts: list[int]) -> ColumnProfile:
    return ColumnProfile(name, "input", "categorical", [*counts, 0], 0, 0, categories=categories)


def profile(columns: list[ColumnProfile], model: str = "m", version: str = "") -> Profile:
    return make(model, columns[0].rows, columns, version)


def report(reference: list[ColumnProfile], current: list[ColumnProfile], **more: str) -> Report:
    """As `outrider report REFERENCE CURRENT` makes it."""
    samples = (
        Sample("a.json", profile(reference, **more)),
        Sample("b.json", profile(current, **more)),
    )
    return compared_report(*samples, Level(), 1.8e9, "Outrider", of_rows=False)
