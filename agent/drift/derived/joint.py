"""Relations between inputs: columns can each look well while their relation has changed.

Rule: pure; scores in, numbers out.

Theory. Let s be a row's scores, R their correlation in the reference. t = R^-1 s, each scaled to
variance 1, is what a column has that the others do not explain. Of input i the derived value is

    t_i * sum_j e_ij t_j / sqrt(C - 1),   e_ij = e_ji fixed random signs, none for j = i

A correlation that appears moves its mean, in both columns of the pair, by that correlation over
sqrt(C - 1); one that vanishes leaves t_i larger than it was, and widens it. So two columns are
named, which no single distance can do. Rows needed with 20 columns, a fifth of a budget of one
alarm in 8,640 windows, an unlimited reference and any size of effect:

    change of one pair           Mahalanobis distance    minor components    this
    .9 -> 0, others independent                    12                   6      12
    .5 -> -.5                                     474                 132     161
    0 -> .8                                    14,978               1,927     966
    0 -> .3                                   790,000               7,700   6,400
    0 -> .3, three factors                     88,000              80,000   1,000
    .3 -> .6, three factors                     2,800                 870     207

Each pair by itself needs 15 times fewer rows where a correlation appears among independent
columns, but there are C (C - 1) / 2 pairs to keep and to judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from agent.drift.derived.scores import Scores
from agent.drift.reference.sketch import Floats

RIDGE = 0.02
"""Least eigenvalue of the correlations: columns that say the same must not blow up its inverse."""


class Relations:
    """How each input goes with the others."""

    def __init__(self, correlation: Sequence[Sequence[float]]) -> None:
        """`correlation`: row i has its correlations with the i inputs before it."""
        sizes, axes = np.linalg.eigh(full(correlation))
        inverse = (axes / np.maximum(sizes, RIDGE)) @ axes.T
        scale = 1 / np.sqrt(np.diag(inverse))
        self._own = (inverse * scale[:, None]).astype(np.float32)
        self._mix = signs(len(scale)).astype(np.float32)

    def values(self, scores: Scores) -> Scores:
        """Of scores [inputs, rows], as many values; a row counts as average where it lacks one."""
        lacking = np.isnan(scores)
        some = bool(lacking.any())
        own = self._own @ (np.where(lacking, np.float32(0), scores) if some else scores)
        values: Scores = own * (self._mix @ own)
        if some:
            values[lacking] = np.nan
        return values

    def variance(self, own: Floats) -> Floats:
        """Of the mean values, if the mean scores have these variances: [inputs, any].

        Of a product of two normals: that of one times that of the other, and their covariance
        squared.
        """
        first = self._own.astype(np.float64)
        second = self._mix.astype(np.float64) @ first
        found: Floats = (first**2 @ own) * (second**2 @ own) + (first * second @ own) ** 2
        return found


def full(triangle: Sequence[Sequence[float]]) -> Floats:
    """The whole matrix."""
    matrix = np.eye(len(triangle))
    for i, row in enumerate(triangle):
        matrix[i, :i] = matrix[:i, i] = row
    return matrix


def signs(count: int) -> Floats:
    """The same in each process and version: references are shared."""
    matrix = np.zeros((count, count))
    scale = 1 / max(1, count - 1) ** 0.5
    for i in range(count):
        for j in range(i):
            odd = hashlib.sha256(b"%d,%d" % (i, j)).digest()[0] & 1
            matrix[i, j] = matrix[j, i] = scale if odd else -scale
    return matrix
