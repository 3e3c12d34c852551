"""Feature importance: how an input goes with the prediction, now against the reference.

Rule: pure; scores in, numbers out.

The derived value is the product of an input's score and the prediction's, whose mean is their
rank correlation: a model that begins to lean on another input shows as a shift of that product's
location, in standard deviations, and names the input. What goes with the prediction otherwise
than up or down, the middle against both ends, is not seen.
"""

from __future__ import annotations

import numpy as np

from agent.drift.derived.scores import Scores


def values(inputs: Scores, prediction: Scores) -> Scores:
    """Of scores [inputs, rows] and [rows]; NaN where either is missing."""
    products: Scores = inputs * prediction
    return products


def correlations(inputs: Scores, prediction: Scores) -> Scores:
    """Mean product an input, rows that lack either as 0."""
    products = np.nan_to_num(inputs) @ np.nan_to_num(prediction)
    means: Scores = products / np.float32(max(1, len(prediction)))
    return means
