"""Columns of many shapes, their references, and charts that are fed with counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from agent.drift.engine.chart import Chart
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.profile import ColumnProfile

Draw = Callable[[np.random.Generator, int], np.ndarray]
MONTH = 30 * 86400
SECONDS = 300.0


def normal(rng, n):
    return rng.normal(size=n)


def heavy(rng, n):
    return rng.standard_t(3, size=n)


def zero_inflated(rng, n):
    return np.where(rng.random(n) < 0.6, 0.0, rng.lognormal(size=n))


def poisson(rng, n):
    return rng.poisson(3, size=n)


def cat3(rng, n):
    return rng.choice(["a", "b", "c"], p=[0.9, 0.09, 0.01], size=n)


def cat200(rng, n):
    p = 1 / np.arange(1, 201)
    return rng.choice([f"c{i}" for i in range(200)], p=p / p.sum(), size=n)


def rare(rng, n):
    return np.where(rng.random(n) < 0.01, 1.0, 0.0)


COLUMNS = [normal, heavy, zero_inflated, poisson, cat3, cat200, rare]


def profile(values: Sequence[object] | np.ndarray, name: str = "c") -> ColumnProfile:
    rows = values.tolist() if isinstance(values, np.ndarray) else list(values)
    builder = ColumnBuilder(shape_of(name, "input", rows))
    builder.add(rows)
    return builder.profile()


def counted(column: ColumnProfile, values: np.ndarray | Sequence[object]) -> np.ndarray:
    rows = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return column.bins().count(rows)


def chart_of(columns: Sequence[ColumnProfile], **more: float) -> Chart:
    settings = {"false_alarms": 1 / MONTH, "min_effect": 0.05, **more}
    return Chart(columns, **settings)


def push(chart: Chart, counts: Sequence[np.ndarray], seconds: float = SECONDS) -> None:
    """One more window, which follows on the last."""
    began = chart.windows * seconds
    chart.push(counts, began, began + seconds, seconds)
