"""Another tool's summary of a column to bins with counts.

Rule: pure. What a sketch estimates is rounded so that it sums to what was counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.drift.learning.learn import BINS, TEXT_LENGTH, guarded, numeric_edges
from agent.drift.reference.profile import ColumnProfile, Kind, Moments
from agent.drift.reference.sketch import Floats

SAMPLE = 20_000
"""Values that the edges of bins are set from, at most; each stands for its weight's share."""


def apportioned(weights: Sequence[float] | Floats, total: int) -> list[int]:
    """Integers in proportion to the weights that sum to `total` (largest remainders).

    Weights are not negative, finite and not all zero.
    """
    shares = np.asarray(weights, dtype=np.float64)
    shares = shares / shares.max()
    exact = shares / shares.sum() * total
    whole = np.floor(exact)
    counts = [int(count) for count in whole]
    largest = np.argsort(whole - exact, kind="stable").tolist()
    filled = [place for place in largest if shares[place] > 0]
    rest = total - sum(counts)
    if 0 <= rest <= len(filled):
        for place in filled[:rest]:
            counts[place] += 1
    else:  # floats are that coarse near 2**53
        counts[int(whole.argmax())] += rest
    return counts


def numeric(
    name: str, missing: int, edges: list[float], counts: list[int], moments: Moments | None
) -> ColumnProfile:
    """A numeric column."""
    return ColumnProfile(name, "input", "numeric", counts, missing, 0, edges, moments=moments)


def from_weighted(
    values: Floats, weights: Floats, low: float, high: float, total: int
) -> tuple[list[float], list[int]]:
    """Edges by the same rule as from rows, and the counts of their bins, of weighted values.

    `low` and `high` are the extremes, which a sketch may have dropped from its values.
    """
    inside = np.clip(values, low, high)
    sample = np.repeat(inside, apportioned(weights, min(total, SAMPLE)))
    edges = numeric_edges(np.concatenate([sample, [low, high]]))
    places = np.searchsorted(edges, inside, side="left")
    filled = np.bincount(places, weights, len(edges) + 1).astype(np.float64)
    return edges, apportioned(filled, total)


def categorical(
    name: str,
    missing: int,
    present: int,
    seen: Mapping[str, int],
    *,
    distinct: float,
    known: Sequence[str] = (),
) -> ColumnProfile:
    """A column of texts; the lengths of free ones are not known. `known`: categories that are told
    to exist, seen or not."""
    folded: dict[str, int] = {}
    for value, count in seen.items():
        folded[value.lower()] = folded.get(value.lower(), 0) + count
    if present and folded and set(folded) <= {"false", "true"} and sum(folded.values()) == present:
        counts = [folded.get("false", 0), folded.get("true", 0), 0]
        return _named(name, "boolean", missing, ["false", "true"], counts)
    length = sum(len(value) * count for value, count in seen.items())
    long = length > TEXT_LENGTH * max(1, sum(seen.values()))
    if long or (distinct > BINS and 2 * distinct > present) or not (seen or known):
        return ColumnProfile(name, "input", "text", [present], missing, 0, edges=[])
    order = sorted(seen, key=lambda value: (-seen[value], value))
    order += sorted(set(known) - set(seen))
    kept = order[:BINS]
    counts = [seen.get(value, 0) for value in kept]
    rest = max(0, present - sum(counts))
    return guarded(_named(name, "categorical", missing, kept, [*counts, rest]))


def _named(
    name: str, kind: Kind, missing: int, categories: list[str], counts: list[int]
) -> ColumnProfile:
    return ColumnProfile(name, "input", kind, counts, missing, 0, categories=categories)
