"""Other tools' statistics where they too may raise one false alarm in 30 days.

The limit of each is the value that 20 columns without drift exceed once in 8,640 windows: exact
for Kolmogorov-Smirnov, for means of normal columns and for the binomial test, else of simulated
windows and a generalised Pareto tail. The delay is then 1 / power, as each window is judged by
itself.

Rule: statistics are those of `peers`, over many windows at once; counts and rows are drawn of the
exact distribution. Windows of a batch have as many missing rows, else each has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import stats

from bench.drift.data import COLUMNS, NORMAL, SHIFTS, Floats, Generator, Names, Numbers, Source
from bench.drift.ours import REFERENCE, WINDOWS
from bench.drift.peers import DECILES, DOANE, Array, edges_of, jensen_shannon_of, psi_of

LEVEL = 1 / (WINDOWS * len(COLUMNS))
REFERENCES = 10
TAIL = 0.01
"""Share of the windows that the tail is fitted to."""
NULLS = {50: 100_000, 200: 100_000, 1000: 40_000, 10_000: 6_000}
POWERS = {50: 30_000, 200: 30_000, 1000: 10_000, 10_000: 1_000}
"""Windows simulated, over all references, by the rows of each."""
BATCH_ROWS = 1_000_000
EXACT = 0.0
"""Windows of a power that is reckoned: its alarms are a share."""
FEW = 10
"""Alarms below which a power is an order of magnitude only."""
MISSING_TEST = "binomial"
"""Of the missing rows: ours, no tool has it."""


class Power(NamedTuple):
    """Windows after the change, and those that alarmed."""

    windows: float
    alarms: float


def powers(column: str, rows: int) -> dict[str, dict[str, Power]]:
    """Of each change of this column, of each statistic."""
    before = dict(COLUMNS)[column]
    changes = {name: source for name, (place, source) in SHIFTS.items() if place == column}
    rng = np.random.default_rng([rows, len(column), 9])
    known = [_reference(rng, before) for _ in range(REFERENCES)]
    nulls = _gathered(rng, known, before, rows, NULLS[rows])
    limits = {name: _limit(scores) for name, scores in nulls.items()}
    if "KS" in limits:
        limits["KS"] = 1.0
    if before is NORMAL:
        limits["mean shift"] = float(stats.norm.isf(LEVEL / 2))
    found: dict[str, dict[str, Power]] = {}
    for name, after in changes.items():
        # Missing rows are dropped by all but the last test.
        only_missing = replace(after, missing=before.missing) == before
        drawn = {} if only_missing else _gathered(rng, known, after, rows, POWERS[rows])
        found[name] = {
            statistic: Power(len(scores), float((scores > limits[statistic]).sum()))
            for statistic, scores in drawn.items()
        }
        share = np.mean([_binomial(one.missing, after.missing, rows) for one in known])
        found[name][MISSING_TEST] = Power(EXACT, float(share))
    return found


def delay(power: Power) -> float:
    """Mean windows to the alarm; infinite if there was none."""
    if not power.alarms:
        return float("inf")
    return 1 / power.alarms if power.windows == EXACT else power.windows / power.alarms


class Reference(NamedTuple):
    """What the statistics know of one."""

    values: Floats
    """Sorted; of categories the counts."""
    missing: float
    """Share of its rows."""


def _reference(rng: Generator, source: Source) -> Reference:
    absent = int(rng.binomial(REFERENCE, source.missing))
    if isinstance(source, Names):
        values = rng.multinomial(REFERENCE - absent, source.shares).astype(float)
        return Reference(values, absent / REFERENCE)
    return Reference(np.sort(source.draw(rng, REFERENCE - absent)), absent / REFERENCE)


def _gathered(
    rng: Generator, references: list[Reference], source: Source, rows: int, windows: int
) -> dict[str, Floats]:
    """Each statistic of so many windows, shared out over the references."""
    parts: dict[str, list[Floats]] = {}
    for known in references:
        for batch in _batches(rng, rows, source.missing, windows // len(references)):
            for name, scores in _scores(rng, known, source, *batch).items():
                parts.setdefault(name, []).append(scores)
    return {name: np.concatenate(each) for name, each in parts.items()}


def _batches(rng: Generator, rows: int, missing: float, windows: int) -> Iterator[tuple[int, int]]:
    """Windows, and the rows present in each."""
    size = max(1, min(windows, BATCH_ROWS // rows, max(20, windows // 50)))
    for begin in range(0, windows, size):
        yield min(size, windows - begin), max(1, int(rng.binomial(rows, 1 - missing)))


def _scores(
    rng: Generator, known: Reference, source: Source, windows: int, present: int
) -> dict[str, Floats]:
    if isinstance(source, Names):
        return _of_categories(rng, known, source, windows, present)
    return _of_counts(rng, known, source, windows, present) | _of_rows(
        known.values, np.sort(source.draw(rng, windows * present).reshape(windows, present), 1)
    )


def _of_categories(
    rng: Generator, known: Reference, source: Names, windows: int, present: int
) -> dict[str, Floats]:
    counts = rng.multinomial(present, source.shares, size=windows)
    more = counts.shape[1] - len(known.values)
    reference = np.pad(known.values, (0, more))
    p, q = reference / reference.sum(), counts / present
    expected = p * present
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.square(counts - expected) / expected
    parts[np.isnan(parts)] = 0.0  # none expected, none seen; one that is seen is infinite
    return {"PSI": psi_of(p, q), "JS": jensen_shannon_of(p, q), "chi2": parts.sum(1)}


def _of_counts(
    rng: Generator, known: Reference, source: Numbers, windows: int, present: int
) -> dict[str, Floats]:
    found = {}
    kinds: tuple[tuple[str, int, Callable[[Array, Array], Array]], ...] = (
        ("PSI", DECILES, psi_of), ("JS", DOANE, jensen_shannon_of),
    )  # fmt: skip
    for name, bins, statistic in kinds:
        edges = edges_of(known.values, bins)
        inside = np.diff(source.below(edges))
        shares = np.append(inside, max(0.0, 1 - inside.sum()))
        counts = rng.multinomial(present, shares / shares.sum(), size=windows)
        reference = np.append(np.histogram(known.values, edges)[0], 0)
        found[name] = statistic(reference / reference.sum(), counts / present)
    return found


def _of_rows(reference: Floats, windows: Floats) -> dict[str, Floats]:
    """`windows` are sorted, [window, row]."""
    m, n = len(reference), windows.shape[1]
    places = np.searchsorted(reference, windows, side="right") / m
    steps = np.arange(n + 1) / n
    furthest = np.maximum((steps[1:] - places).max(1), (places - steps[:-1]).max(1))
    difference = np.abs(windows.mean(1) - reference.mean())
    error = np.sqrt(reference.var() / m + windows.var(1) / n)
    return {
        "Wasserstein": distances(reference, windows) / reference.std(),
        "KS": furthest / ks_limit(n, m),
        "mean shift": difference / error,
    }


def distances(reference: Floats, windows: Floats) -> Floats:
    """First Wasserstein distance of each sorted window from sorted values.

    The area between both quantile functions: over the n-th part of the line that a value x of a
    window is the quantile of, the reference's lies below x up to the share F(x), then above.
    """
    m, n = len(reference), windows.shape[1]
    area = np.concatenate([[0.0], np.cumsum(reference)]) / m  # of the quantile function, to i / m
    shares = np.arange(m + 1) / m
    low, high = np.arange(n) / n, np.arange(1, n + 1) / n
    turn = np.clip(np.searchsorted(reference, windows, side="right") / m, low, high)
    below, at, above = (np.interp(u, shares, area) for u in (low, turn, high))
    found: Floats = (windows * (2 * turn - low - high) + below - 2 * at + above).sum(1)
    return found


def ks_limit(n: int, m: int) -> float:
    """The greatest difference of two samples that is exceeded with probability LEVEL."""
    return float(stats.kstwo.isf(LEVEL, round(n * m / (n + m))))


def _limit(scores: Floats) -> float:
    """The score that is exceeded with probability LEVEL: a generalised Pareto tail."""
    start = float(np.quantile(scores, 1 - TAIL))
    beyond = scores[scores > start] - start
    if len(beyond) < 10:
        return float(scores.max())
    shape, _, scale = stats.genpareto.fit(beyond, floc=0)
    return start + float(stats.genpareto.ppf(1 - LEVEL / TAIL, min(shape, 0.5), 0, scale))


def _binomial(expected: float, share: float, rows: int) -> float:
    """Power of the test that more rows are missing than in the reference, taken as exact."""
    most = stats.binom.isf(LEVEL, rows, expected)
    return float(stats.binom.sf(most, rows, share))
