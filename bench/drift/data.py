"""The rows that all are judged on: 20 columns of every sort, and how each can change.

Rule: each column is known twice, as rows to draw and as the exact probability of any bin, so that
months of windows are simulated by their counts, which is the same and a thousand times faster.

4 normal columns, 3 lognormal, 3 heavy-tailed (Student's t, 3 degrees), 3 zero-inflated (60 %),
3 of counts (Poisson, 3), 2 of 3 categories, 1 of 20 and 1 of 200 (Zipf); 1 % missing in each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.profile import ColumnProfile

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator
MISSING = 0.01
ZEROS = 0.6


@dataclass(frozen=True)
class Numbers:
    """A distribution of numbers: how to draw it, and P(X <= x)."""

    draw: Callable[[Generator, int], Floats]
    below: Callable[[Floats], Floats]
    sd: float
    """Standard deviation."""
    missing: float = MISSING

    def rows(self, rng: Generator, count: int) -> list[float | None]:
        values = self.draw(rng, count).tolist()
        gone = rng.random(count) < self.missing
        return [None if no else v for no, v in zip(gone.tolist(), values, strict=True)]

    def cells(self, column: ColumnProfile) -> Floats:
        """The probability of each bin, of missing and of invalid."""
        return self._cells(self.below(_edges(column)))

    def cells_moved(self, column: ColumnProfile, sds: Floats) -> Floats:
        """The same [effect, bin] where the mean is moved by so many standard deviations."""
        return self._cells(self.below(_edges(column) - sds[:, None] * self.sd))

    def cells_scaled(self, column: ColumnProfile, factors: Floats) -> Floats:
        """The same [effect, bin] where it is spread about 0 by so much."""
        edges = _edges(column)
        is_zero = np.abs(edges) < np.finfo(float).tiny  # 0 and the number before it, an atom's ends
        scaled = np.where(is_zero, edges, edges / factors[:, None])
        return self._cells(self.below(scaled))

    def _cells(self, below: Floats) -> Floats:
        inside = np.diff(below, axis=-1, prepend=0.0, append=1.0)
        parts = np.empty((*inside.shape[:-1], inside.shape[-1] + 2))
        parts[..., :-2] = inside * (1 - self.missing)
        parts[..., -2], parts[..., -1] = self.missing, 0.0
        return parts

    def moved(self, sds: float) -> Numbers:
        """Its mean moved by so many standard deviations."""
        step = sds * self.sd
        return replace(
            self,
            draw=lambda rng, count: self.draw(rng, count) + step,
            below=lambda x: self.below(x - step),
        )

    def scaled(self, factor: float) -> Numbers:
        """Spread about 0 by so much."""
        return replace(
            self,
            draw=lambda rng, count: self.draw(rng, count) * factor,
            below=lambda x: self.below(x / factor),
        )


@dataclass(frozen=True)
class Names:
    """A distribution of categories."""

    shares: tuple[float, ...]
    missing: float = MISSING

    def rows(self, rng: Generator, count: int) -> list[str | None]:
        drawn = rng.choice(len(self.shares), size=count, p=self.shares)
        gone = rng.random(count) < self.missing
        return [
            None if no else f"c{i}" for no, i in zip(gone.tolist(), drawn.tolist(), strict=True)
        ]

    def cells(self, column: ColumnProfile) -> Floats:
        """The probability of each bin, of missing and of invalid."""
        known = column.categories or []
        shares = {f"c{i}": share for i, share in enumerate(self.shares)}
        inside = [shares.pop(name, 0.0) for name in known]
        found = np.array([*inside, sum(shares.values())]) * (1 - self.missing)
        return np.array([*found, self.missing, 0.0])

    def cells_tilted(self, column: ColumnProfile, effects: Floats) -> Floats:
        """The same [effect, bin] where the log odds of the first category are so much greater."""
        plain = self.cells(column)
        place = (column.categories or []).index("c0")
        known = 1 - self.missing
        first = plain[place] / known
        now = 1 / (1 + (1 - first) / first * np.exp(-effects))
        found = plain * ((1 - now) / (1 - first))[:, None]
        found[:, place] = known * now
        found[:, -2:] = plain[-2:]
        return found

    def mixed(self, share: float) -> Names:
        """So much of all rows goes from the first category to the second."""
        first, second, *rest = self.shares
        return replace(self, shares=(first - share, second + share, *rest))

    def joined(self, share: float) -> Names:
        """A new category takes so much of all rows."""
        return replace(self, shares=(*(s * (1 - share) for s in self.shares), share))


Source = Numbers | Names


def _edges(column: ColumnProfile) -> Floats:
    return np.array(column.edges or [], dtype=np.float64)


def without(source: Source, missing: float) -> Source:
    """The same with another share of missing rows."""
    return replace(source, missing=missing)


def _zero_inflated(rng: Generator, count: int) -> Floats:
    drawn: Floats = np.where(rng.random(count) < ZEROS, 0.0, rng.lognormal(size=count))
    return drawn


def _below_zero_inflated(x: Floats) -> Floats:
    below: Floats = np.where(x < 0, 0.0, ZEROS + (1 - ZEROS) * stats.lognorm.cdf(x, 1.0))
    return below


def _zipf(count: int) -> tuple[float, ...]:
    weights = 1 / np.arange(1, count + 1)
    return tuple((weights / weights.sum()).tolist())


def _numbers(draw: Callable[[Generator, int], Any], law: Any) -> Numbers:
    return Numbers(draw, law.cdf, float(law.std()))


NORMAL = _numbers(lambda rng, n: rng.normal(size=n), stats.norm())
LOGNORMAL = _numbers(lambda rng, n: rng.lognormal(size=n), stats.lognorm(1.0))
HEAVY = _numbers(lambda rng, n: rng.standard_t(3, size=n), stats.t(3))
COUNTS = _numbers(lambda rng, n: rng.poisson(3, size=n).astype(float), stats.poisson(3))
_SECOND = (1 - ZEROS) * np.exp(2)
INFLATED = Numbers(
    _zero_inflated,
    _below_zero_inflated,
    float(np.sqrt(_SECOND - ((1 - ZEROS) * np.exp(0.5)) ** 2)),
)
THREE, TWENTY, MANY = Names((0.6, 0.3, 0.1)), Names(_zipf(20)), Names(_zipf(200))

Columns = Sequence[tuple[str, Source]]

COLUMNS: Columns = (
    *((f"normal{i}", NORMAL) for i in range(4)),
    *((f"lognormal{i}", LOGNORMAL) for i in range(3)),
    *((f"heavy{i}", HEAVY) for i in range(3)),
    *((f"inflated{i}", INFLATED) for i in range(3)),
    *((f"counts{i}", COUNTS) for i in range(3)),
    *((f"three{i}", THREE) for i in range(2)),
    ("twenty", TWENTY),
    ("many", MANY),
)

SHIFTS: dict[str, tuple[str, Source]] = {
    "mean 0.05 sd": ("normal0", NORMAL.moved(0.05)),
    "mean 0.1 sd": ("normal0", NORMAL.moved(0.1)),
    "mean 0.2 sd": ("normal0", NORMAL.moved(0.2)),
    "mean 0.5 sd": ("normal0", NORMAL.moved(0.5)),
    "scale x 1.2": ("normal0", NORMAL.scaled(1.2)),
    "scale x 1.5": ("normal0", NORMAL.scaled(1.5)),
    "lognormal, mean 0.1 sd": ("lognormal0", LOGNORMAL.moved(0.1)),
    "lognormal, mean 0.2 sd": ("lognormal0", LOGNORMAL.moved(0.2)),
    "3 categories, mix 2 %": ("three0", THREE.mixed(0.02)),
    "3 categories, mix 5 %": ("three0", THREE.mixed(0.05)),
    "3 categories, mix 10 %": ("three0", THREE.mixed(0.1)),
    "20 categories, mix 5 %": ("twenty", TWENTY.mixed(0.05)),
    "a new category, 1 %": ("three0", THREE.joined(0.01)),
    "missing 1 to 2 %": ("normal0", without(NORMAL, 0.02)),
    "missing 1 to 5 %": ("normal0", without(NORMAL, 0.05)),
}
"""By name: the column that changes, and what it becomes."""


def reference(rng: Generator, rows: int, columns: Columns = COLUMNS) -> list[ColumnProfile]:
    """A reference of rows drawn anew."""
    profiles = []
    for name, source in columns:
        values: list[Any] = list(source.rows(rng, rows))
        builder = ColumnBuilder(shape_of(name, "input", values))
        builder.add(values)
        profiles.append(builder.profile())
    return profiles


def truth(profiles: Sequence[ColumnProfile], columns: Columns = COLUMNS) -> list[Floats]:
    """The probability of each bin of each column."""
    return [source.cells(p) for p, (_, source) in zip(profiles, columns, strict=True)]
