"""What a chart allows its columns to vary by themselves, as their reference has known it.

Rule: arrays over columns and scores, made once; what is not known is allowed nothing.

A span of D seconds may have a mean score whose variance is greater by tau2(D). `normal` takes the
bound that the reference gives for spans as long as that; `strict` the greatest of all, each times
its length, over D: variation that adds up like a random walk's steps is then allowed for at every
length. Scores that follow the hour of day are compared with the mean of the hours that the span's
rows came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift.engine.cells import Cells
from agent.drift.engine.natural import DAY, digest, hour_error, hour_means, strictest
from agent.drift.engine.scores import SCALES, Scores
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import ColumnVariation, Period, times_of

Mode = Literal["off", "normal", "strict"]


class Allowance(NamedTuple):
    """Of the columns of a chart; [column, score] unless said."""

    strict: bool
    slot: float
    """Seconds of the shortest span that is known."""
    period: float
    """Seconds of the reference's period."""
    tau2: Floats
    """[column, score, span of 1, 2, 4 … slots]."""
    product: Floats
    """Seconds times variance: the strict bound of a span is this over its length."""
    kinds: int
    """Of hours: HOURS, WEEK_HOURS where weekends are other days, 0 if no score follows them."""
    means: Floats
    """[column, kind of hour, score]; 0 where a score does not follow it."""
    error: Floats
    """Variance of an hour's mean."""
    is_scale: npt.NDArray[np.bool_]

    def variance(self, seconds: Floats) -> Floats:
        """tau2 of spans of these lengths, one a column, and of the reference's own period."""
        found: Floats = self.of_span(seconds) + self.of_span(np.full(len(seconds), self.period))
        return found

    def of_span(self, seconds: Floats) -> Floats:
        """tau2 of spans of these lengths, one a column."""
        length = np.maximum(seconds, 1e-3)
        if self.strict:
            bound: Floats = self.product / length[:, None]
            return bound
        places = np.log2(np.maximum(length / self.slot, 1.0)).astype(np.int64)
        places = np.minimum(places, self.tau2.shape[2] - 1)
        found: Floats = self.tau2[np.arange(len(places)), :, places]
        return found

    def greatest(self, seconds: float) -> Floats:
        """Of each column that of its scores, the scale's apart, which is of its square; what it
        has by the hour of day is in it, not in `expected`."""
        spans = np.full(len(self.tau2), seconds)
        # A sine's mean over D periods has at most 2 / (pi D)^2 of its variance.
        bound = self.of_span(spans)
        if self.kinds:
            bound += self.means.var(1) * min(1.0, 0.25 * (DAY / seconds) ** 2)
        found: Floats = np.where(self.is_scale, 0.0, bound).max(1)
        return found

    def expected(self, hours: Floats) -> Floats:
        """The mean score of rows that came in these shares by the hours, [column, hour]."""
        found: Floats = np.einsum("ch,chk->ck", hours, self.means)
        return found

    def uncertainty(self, hours: Floats) -> Floats:
        """The variance of what is expected."""
        found: Floats = (hours**2).sum(1)[:, None] * self.error
        return found


def allowance(
    variations: Sequence[ColumnVariation | None],
    cells: Sequence[Cells],
    scores: Sequence[Scores],
    period: Period | None,
    mode: Mode,
) -> Allowance | None:
    """None if it is off, or nothing is known."""
    if mode == "off" or period is None or not any(variations):
        return None
    most = max(len(one.labels) for one in scores)
    spans = max(len(row) for one in variations if one is not None for row in one.tau2)
    tau2 = np.zeros((len(scores), most, spans))
    kinds = max(len(one.hours) for one in variations if one is not None)
    means = np.zeros((len(scores), kinds, most))
    error = np.zeros((len(scores), most))
    length = period.ended - period.began
    days = length / DAY
    for i, variation in enumerate(variations):
        if variation is None:
            continue
        count = len(scores[i].labels)
        tau2[i, :count] = _by_span(variation, scores[i], spans)
        if variation.daily and variation.hours:
            by_hour: Ints = np.array(variation.hours, dtype=np.int64)
            matrix = scores[i].values[:, cells[i].places]
            daily = np.array(variation.daily, dtype=np.int64)
            if variation.scores != digest(scores[i].labels):
                daily = np.arange(count)  # all of these, as it is not known which
            found = hour_means(by_hour, matrix)[:, daily]
            means[i][:, daily] = np.tile(found, (kinds // len(found), 1))
            times = times_of(len(found), days)
            rows = int(by_hour.sum())
            whole = hour_error(tau2[i, :count], rows, period.seconds, times, len(found))
            error[i, daily] = whole[daily]
    product = np.stack([strictest(each, period.seconds) for each in tau2])
    is_scale = np.zeros((len(scores), most), dtype=bool)
    for i, one in enumerate(scores):
        is_scale[i, : len(one.labels)] = [label in SCALES for label in one.labels]
    strict = mode == "strict"
    return Allowance(strict, period.seconds, length, tau2, product, kinds, means, error, is_scale)


def _by_span(variation: ColumnVariation, scores: Scores, spans: int) -> Floats:
    """Each score's tau2, the last going on; that of other scores is taken at its greatest."""
    rows = [[*row, *row[-1:] * (spans - len(row))] for row in variation.tau2]
    if variation.scores == digest(scores.labels) and len(rows) == len(scores.labels):
        return np.array(rows)
    return np.tile(np.array(rows).max(0), (len(scores.labels), 1))
