"""Whether a vector's mean moved, in whatever direction.

Rule: integers in, evidence out; a chart asks it as it asks of bins (`engine.questions`).

Theory. A shift along a direction that nobody looks along shows in no view: each coordinate moves
by next to nothing. Not so their squares together. For n rows with mean y, and m in the reference
with mean y', all scaled to variance 1 (along the principal directions by their own),

    T = |y - y'|^2 / (1/n + 1/m)

is the statistic of Bai and Saranadasa (1996) and of Chen and Qin (2010), which needs no inverse of
a covariance that no reference of a few thousand rows could give; with this scaling it is close to
Hotelling's. It is also the maximum mean discrepancy with that inner product as kernel. Without
drift T is a sum of squares of normal variables, weighted by the eigenvalues of the covariance: its
mean, variance and third cumulant are tr C, 2 tr C^2 and 8 tr C^3, which pairs and triples of the
reference's rows give without bias. A scaled chi-squared has the same three (Pearson 1959, Imhof
1961); its cube root is near normal (Wilson and Hilferty 1931), and that is z.

Coordinates are kept as bytes, STEPS to their standard deviation: sums of rows are integers and
merge exactly, and no row can move a mean far.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agent.drift.engine.allowance import Mode
from agent.drift.engine.cells import Cells
from agent.drift.engine.clusters import Correlations, worth
from agent.drift.engine.evidence import thresholds
from agent.drift.engine.questions import MIN_ROWS, Questions, Tests
from agent.drift.engine.scores import Scores
from agent.drift.engine.spans import Span
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import Period
from agent.drift.reference.vectors import Mean, Vector

Bools = npt.NDArray[np.bool_]
LABEL = "mean"


class Distance:
    """Between two means of a vector, by the reference's own spread."""

    def __init__(self, vector: Vector, inside: Floats, rest: float) -> None:
        """`inside`: variances along the axes; `rest`: mean variance beside them."""
        self._axes = scaled_axes(vector)[: len(inside)]
        floor = max(rest, 1e-12)
        self._root = np.sqrt(1 / floor)
        self._own = np.sqrt(1 / np.maximum(inside, floor)) - self._root

    def scaled(self, coordinates: Floats) -> Floats:
        """Coordinates [row, dimension], to variance 1."""
        inside = coordinates @ self._axes.T
        found: Floats = self._root * coordinates + (inside * self._own) @ self._axes
        return found


def scaled_axes(vector: Vector) -> Floats:
    """The principal directions where each coordinate has its own unit; orthonormal again."""
    axes = np.frombuffer(vector.axes, "<f4").reshape(-1, vector.size).astype(np.float64)
    unit = np.frombuffer(vector.unit, "<f4").astype(np.float64)
    found: Floats = np.linalg.qr((axes / unit).T)[0].T
    return found


class MeanQuestions(Questions):
    """The one question of one vector; a window's counts are sums of coordinates, then rows."""

    def __init__(
        self,
        vector: Vector,
        columns: Sequence[ColumnProfile],
        period: Period | None,
        natural_variation: Mode,
        width: int = 0,
    ) -> None:
        """`columns`: the one that bears the verdict; the rest has no part here."""
        mean = vector.mean
        assert mean is not None
        none = np.zeros((1, 1))
        self.cells = [Cells(np.zeros(1, dtype=np.int64), none[0], mean.rows, (LABEL,), (0,), "")]
        self.scores = [Scores(none, np.ones((2, 1)), np.full(1, np.nan), (LABEL,))]
        self.allowance = None
        self.width = vector.size + 1
        self.judged = np.array([mean.rows >= MIN_ROWS])
        self._distance = Distance(vector, np.array(mean.inside), mean.rest)
        self._mean = mean
        rows = max(1, mean.rows)
        self._centre = np.array(mean.sums, dtype=np.float64) / rows

    @property
    def shape(self) -> tuple[int, int]:
        """Of a window's counts."""
        return 1, self.width

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return self._centre.nbytes

    def correlations(self, columns: Sequence[ColumnProfile]) -> Correlations:
        """Nothing is known of rows of one request: each counts as one row."""
        return Correlations([column.side for column in columns], [np.zeros((1, 1))])

    def of_bins(self, counts: Sequence[Ints], middle: float) -> Ints:
        """As they are."""
        return np.stack(counts).astype(np.int64)

    def rows(self, counts: Ints) -> Ints:
        """Rows in a span's counts."""
        rows: Ints = counts[:, -1]
        return rows

    def thresholds(self, level: float, up: Bools) -> Floats:
        """The z; there is no down."""
        return thresholds(np.array([2 * level])).reshape(up.shape)

    def tests(self, span: Span, seconds: Floats, rho: Floats) -> Tests:
        """The effect is the distance of the means, in standard deviations."""
        rows = int(span.counts[0, -1])
        alone = float(worth(np.array([max(1.0, rows)]), span.extra, np.ones(1))[0])
        if min(alone, self._mean.rows) < MIN_ROWS:
            return Tests(*np.zeros((3, 1, 1)))
        moved = span.counts[0, :-1] / rows - self._centre
        square = float(np.square(self._distance.scaled(moved[None])).sum())
        noise = 1 / alone + 1 / self._mean.rows
        mean = self._mean
        # The second part is of the rows' own lengths.
        variance = 2 * mean.trace2 * noise**2 + mean.length * (alone**-3 + mean.rows**-3)
        spread = variance**0.5
        over = square - noise * mean.trace
        effect = max(0.0, over) ** 0.5
        half = ((effect**2 + 2 * spread) ** 0.5 - effect) / 2
        z = chi_root(over / spread, mean.trace2**3 / mean.trace3**2)
        return Tests(*(np.array([[max(0.0, each)]]) for each in (z, effect, half)))


def chi_root(deviation: float, degrees: float) -> float:
    """The normal deviate of a chi-squared of so many degrees, so many sd above its mean."""
    ratio = max(0.0, 1 + deviation * (2 / degrees) ** 0.5)
    step = 2 / (9 * degrees)
    return float((ratio ** (1 / 3) - (1 - step)) / step**0.5)


def measured(vector: Vector, coded: npt.NDArray[np.uint8]) -> Mean:
    """What is to be known of coded rows [row, dimension], none of which set the directions."""
    size = vector.size
    rows = coded.astype(np.float64)
    if len(rows) < 3:
        return Mean([], 1.0, 1.0, 1.0, 1.0, 0.0, 0, [0] * size)
    rows -= rows.mean(0)
    inside = np.square(rows @ scaled_axes(vector).T).mean(0)
    rest = (float(np.square(rows).sum() / len(rows)) - float(inside.sum())) / max(
        1, size - len(inside)
    )
    scaled = Distance(vector, inside, rest).scaled(rows)
    gram = scaled @ scaled.T
    lengths = np.diag(gram).copy()
    np.fill_diagonal(gram, 0.0)
    n = len(gram)
    trace = float(lengths.sum()) / (n - 1)
    trace2 = float(np.square(gram).sum()) / (n * (n - 1))
    trace3 = float(np.einsum("ij,ji->", gram @ gram, gram)) / (n * (n - 1) * (n - 2))
    trace = max(trace, 1e-12)
    trace2 = max(trace2, trace**2 / size)
    trace3 = max(trace3, trace2**2 / trace)
    return Mean(inside.tolist(), rest, trace, trace2, trace3, float(lengths.var()), 0, [0] * size)
