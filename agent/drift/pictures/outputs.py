"""What models predict, as histograms: a part of `/api/v1/predictions`.

Rule: shows, computes nothing. Of the present window and the last one, so that it is live and
never empty after the first; before there is a reference, of what is kept to learn one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from agent.decode.payload import Value
from agent.drift.pictures.bins import bins_of, counts_of
from agent.drift.pictures.quantiles import LEVELS, mean_of, quantiles_of
from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.private import looks_private
from agent.drift.reference.sketch import MISSING, category, numbers
from agent.drift.traffic.columns import Side, WatchedColumn
from agent.drift.traffic.model import ModelWatch

MOST = 50
"""Outputs of a model that are shown: an embedding has thousands."""
LABELS = 20
"""Labels that are shown while a model learns; more are no labels, perhaps."""
STEPS = 20
"""Bins of numbers while a model learns."""
LOOKED_AT = 2000
"""Values looked at while a model learns, the newest."""


def outputs(models: Iterable[ModelWatch]) -> Iterator[dict[str, Any]]:
    """Of each output of each model, in each version; none of a vector's views but its length."""
    for model in models:
        name = {"model": model.name, "version": model.version}
        shown = _learning(model) if model.phase == "learning" else _watched(model.outputs)
        for one, _ in zip(shown, range(MOST), strict=False):
            yield name | one


def _watched(side: Side) -> Iterator[dict[str, Any]]:
    for column in side.columns.values():
        if column.base.column.kind != "view" and column.seen:
            yield _of(column)


def _of(column: WatchedColumn) -> dict[str, Any]:
    profile = column.base.column
    counts = column.counts if column.last is column.counts else column.counts + column.last
    found = bins_of(profile, counts, marks=False)
    has_reference = bool(counts_of(profile).any())
    edges = profile.edges
    values = counts[:MISSING].tolist()
    kind = "confidence" if profile.name == CONFIDENCE else "value" if edges else "label"
    return {
        "output": profile.name,
        "kind": kind,
        "bins": [
            ({"low": one.low, "high": one.high} if one.kind == "range" else {"label": one.bin})
            | {"now": one.now, "reference": one.reference if has_reference else None}
            for one in found
        ],
        "rows": int(counts.sum()),
        "mean": mean_of(edges, values) if edges else None,
        "quantiles": _quantiles(edges, values) if edges else None,
        "of": "last and present window",
    }


def _quantiles(edges: Sequence[float], values: Sequence[int]) -> dict[str, float | None]:
    found = quantiles_of(edges, values)
    return {name: getattr(found, name) for name in LEVELS}


def _learning(model: ModelWatch) -> Iterator[dict[str, Any]]:
    for name, values in model.outputs.buffers.items():
        found = _learned(values[-LOOKED_AT:]) if values and not model.settings.hides(name) else None
        if found is not None:
            yield {"output": name} | found | {"of": "rows to learn from"}


def _learned(values: Sequence[Value]) -> dict[str, Any] | None:
    """None of texts that are no few plain labels: nothing is known of them yet."""
    if {str, bool} & set(map(type, values)):
        return _labels(values)
    found = numbers(values)
    if not len(found.finite):
        return None
    counts, edges = np.histogram(found.finite, bins=STEPS)
    rows = len(values)
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    quantiles = np.quantile(found.finite, [*LEVELS.values()]).tolist()
    return {
        "kind": "value",
        "bins": [
            {"low": low, "high": high, "now": count / rows, "reference": None}
            for low, high, count in pairs
        ],
        "rows": rows,
        "mean": float(found.finite.mean()),
        "quantiles": dict(zip(LEVELS, quantiles, strict=True)),
    }


def _labels(values: Sequence[Value]) -> dict[str, Any] | None:
    names = Counter(category(value) for value in values if value is not None)
    if len(names) > LABELS or any(map(looks_private, names)):
        return None
    found = [*names.most_common(), ("missing", len(values) - sum(names.values()))]
    return {
        "kind": "label",
        "bins": [
            {"label": name, "now": count / len(values), "reference": None}
            for name, count in found
            if count
        ],
        "rows": len(values),
        "mean": None,
        "quantiles": None,
    }
