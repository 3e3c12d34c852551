"""SageMaker Model Monitor's baseline: `statistics.json`, and `constraints.json` beside it.

Rule: bytes in, columns out.

By its "Schema for Statistics" and "Schema for Constraints" (Amazon SageMaker developer guide).
A number's distribution is there twice: as 10 buckets of equal width, [lower, upper) but the last,
and as the KLL sketch that they were made from, whose level i holds values of weight 2^i. The
sketch is taken if it is there: of a skewed column the buckets tell next to nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np

from agent.drift.imports import bins
from agent.drift.imports.fields import Field
from agent.drift.reference.profile import ColumnProfile, Moments
from agent.drift.reference.sketch import Floats

STATISTICS, CONSTRAINTS = "statistics.json", "constraints.json"
MAX_LEVELS = 64
_REMEDY = (
    "give the statistics.json of a SageMaker Model Monitor baseline (constraints.json is read "
    "from beside it), or a whylogs profile; or build one of rows with `outrider profile build`"
)


def columns(
    raw: bytes, constraints: bytes | None, source: str, beside: str
) -> tuple[int, list[ColumnProfile], list[str]]:
    """Rows, columns and notes. Raises ProfileError."""
    document = _json(raw, source)
    notes: list[str] = []
    ruled = _ruled(constraints, beside)
    rows = document.at("dataset", "item_count").whole()
    found: list[ColumnProfile] = []
    for feature in document.at("features").each():
        rule = ruled.pop(feature.at("name").text(), None)
        column = _column(feature, rule, rows)
        found.append(column)
        notes += _checked(column, rule)
        if column.rows != rows:
            notes.append(f"{column.name}: present and missing are {column.rows} of {rows} rows")
    notes += [f"{name}: only in {beside}; left out" for name in ruled]
    return rows, found, notes


def _json(raw: bytes, source: str) -> Field:
    whole = Field(source, "", None, _REMEDY)
    try:
        return whole._replace(value=json.loads(raw))
    except (ValueError, RecursionError) as problem:
        raise whole._replace(value=raw[:40]).wrong(f"is not JSON: {problem}") from None


def _ruled(raw: bytes | None, source: str) -> dict[str, Field]:
    if raw is None:
        return {}
    features = _json(raw, source).at("features").each()
    return {feature.at("name").text(): feature for feature in features}


def _column(feature: Field, rule: Field | None, rows: int) -> ColumnProfile:
    name = feature.at("name").text()
    if feature.has("numerical_statistics"):
        return _numeric(name, feature.at("numerical_statistics"))
    if feature.has("string_statistics"):
        return _strings(name, feature.at("string_statistics"), list(_domain(rule)))
    if feature.at("inferred_type").text() != "Unknown":
        raise feature.wrong("has neither numerical_statistics nor string_statistics")
    return bins.categorical(name, rows, 0, {}, distinct=0)


def _numeric(name: str, found: Field) -> ColumnProfile:
    present, missing = _common(found)
    if not present:
        return bins.numeric(name, missing, [], [0], None)
    kll = found.at("distribution", "kll")
    if kll.has("sketch") and kll.at("sketch").has("data"):
        values, weights = _sketch(kll.at("sketch", "data"))
        low, high = _extremes(found)
        edges, counts = bins.from_weighted(values, weights, low, high, present)
    else:
        edges, counts = _buckets(kll.at("buckets"), present)
    return bins.numeric(name, missing, edges, counts, _moments(found, present))


def _common(found: Field) -> tuple[int, int]:
    common = found.at("common")
    return common.at("num_present").whole(), common.at("num_missing").whole()


def _extremes(found: Field) -> tuple[float, float]:
    low, high = found.at("min").number(), found.at("max").number()
    if low > high:
        raise found.at("max").wrong(f"is less than min, {low}")
    return low, high


def _sketch(levels: Field) -> tuple[Floats, Floats]:
    """Values and their weights."""
    values: list[float] = []
    weights: list[float] = []
    for i, level in enumerate(levels.each()):
        if i >= MAX_LEVELS:
            raise level.wrong(f"is beyond {MAX_LEVELS} levels")
        items = [item.number() for item in level.each()]
        values += items
        weights += [math.ldexp(1, i)] * len(items)
    if not values:
        raise levels.wrong("has no values, but num_present is not 0")
    return np.array(values), np.array(weights)


def _buckets(buckets: Field, present: int) -> tuple[list[float], list[int]]:
    """Our bins end with their edge, SageMaker's begin with theirs: the float before it is ours."""
    edges: list[float] = []
    counts: list[float] = []
    upper = -math.inf
    for bucket in buckets.each():
        lower, above = bucket.at("lower_bound"), bucket.at("upper_bound")
        if lower.number() < upper:
            raise lower.wrong(f"is less than the upper_bound before it, {upper}")
        if above.number() < lower.number():
            raise above.wrong(f"is less than its lower_bound, {lower.number()}")
        edge, count = math.nextafter(lower.number(), -math.inf), bucket.at("count").amount()
        upper = above.number()
        if edges and edge <= edges[-1]:  # of no width, as where all values are one
            counts[-1] += count
        else:
            edges.append(edge)
            counts.append(count)
    if not any(counts) or not math.isfinite(edges[0]):
        raise buckets.wrong("count nothing, but num_present is not 0")
    last = max(upper, math.nextafter(edges[-1], math.inf))
    return [*edges, last], [0, *bins.apportioned(counts, present), 0]


def _moments(found: Field, present: int) -> Moments | None:
    """`std_dev` is that of a population: Spark's stddev_pop, by way of Deequ."""
    if not all(found.has(name) for name in ("mean", "std_dev")):
        return None
    low, high = _extremes(found)
    deviation = found.at("std_dev")
    m2 = deviation.amount() * deviation.amount() * present
    return Moments(present, low, high, found.at("mean").number(), m2)


def _strings(name: str, found: Field, known: list[str]) -> ColumnProfile:
    present, missing = _common(found)
    distinct = found.at("distinct_count").amount() if found.has("distinct_count") else 0.0
    seen: dict[str, int] = {}
    if found.has("distribution"):
        for bucket in found.at("distribution", "categorical", "buckets").each():
            value = bucket.at("value")
            text = value.text() if value.value != "" else ""
            seen[text] = seen.get(text, 0) + bucket.at("count").whole()
    if sum(seen.values()) > present:
        counted = sum(seen.values())
        raise found.at("distribution").wrong(f"counts {counted} values, num_present is {present}")
    distinct = max(distinct, len(seen))
    return bins.categorical(name, missing, present, seen, distinct=distinct, known=known)


def _domain(rule: Field | None) -> Iterator[str]:
    if rule is not None and rule.has("string_constraints"):
        constraints = rule.at("string_constraints")
        if constraints.has("domains"):
            for value in constraints.at("domains").each():
                yield value.text() if value.value != "" else ""


def _checked(column: ColumnProfile, rule: Field | None) -> Iterator[str]:
    """Where what is demanded and what was counted contradict each other."""
    if rule is None:
        return
    name, missing = column.name, column.missing / max(column.rows, 1)
    if rule.has("inferred_type"):
        wanted = rule.at("inferred_type").text()
        is_numeric = wanted in ("Fractional", "Integral")
        if wanted != "Unknown" and is_numeric != (column.kind == "numeric"):
            yield f"{name}: {wanted} by the constraints, {column.kind} by the statistics"
    if rule.has("completeness"):
        least = rule.at("completeness").number()
        if 1 - missing < least - 1e-9:
            yield f"{name}: {missing:.2%} are missing, the constraints want {1 - least:.2%} at most"
    if rule.has("num_constraints") and rule.at("num_constraints").has("is_non_negative"):
        is_wanted = rule.at("num_constraints", "is_non_negative").value is True
        if is_wanted and column.moments is not None and column.moments.min < 0:
            yield f"{name}: {column.moments.min:g} is there, the constraints want none below 0"
