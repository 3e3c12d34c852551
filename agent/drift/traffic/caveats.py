"""What a reader of a model's verdicts must know."""

from __future__ import annotations

import numpy as np

from agent.drift.traffic.collecting import named
from agent.drift.traffic.mismatch import mismatch_of
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.varying import unjudged

UNVARIED = (
    "natural variation is not known or not allowed for: the budget holds for rows that are "
    "independent of each other and of the hour; build the reference of a week or more of rows with "
    "times (outrider profile build --timestamp), or of a week of traffic (learn: {period: 7d})"
)

PROVISIONAL = "{}; until then it is judged by its first rows, which know no hours of day{}"
LEAST = ", and nothing less than {:g} standard deviations alarms"

CHANGED = (
    "the reference's own period changed, in {}: its older half differs from its newer one by more "
    "than hours of day and wandering explain. Both are taken as normal, so less is seen there; a "
    "period of other weeks is better"
)

VARIED = "traffic is known to vary by itself, and how its {} do is not known: they are not judged"

WIDE = 1.0
"""Standard deviations: columns that may move by so much in one window unnoticed are named."""
FIVE = 5.0
"""About the z that an alarm takes."""
BLIND = (
    "in one window of {:g} seconds nothing less than {:g} standard deviations can alarm in {}: so "
    "far does the reference let windows vary (natural_variation: {}). Less shows over longer spans "
    "(outrider profile show)"
)


def caveats_of(model: ModelWatch) -> list[str]:
    """Those that hold now, for `/api/v1/drift`."""
    found = [model.unseen.caveat(), mismatch_of(model.sides) if model.windows else ""]
    if model.source == "learned":
        found.append(model.warmup.told())
    if model.collecting is not None:
        least = LEAST.format(model.min_effect) if model.collecting.least_effect else ""
        found.append(PROVISIONAL.format(model.collecting.told(), least))
    elif model.chart is not None and model.chart.allowance is None:
        found.append(UNVARIED)
    reference = model.reference
    if reference is not None:
        if reference.period is not None and reference.period.changed:
            found.append(CHANGED.format(named(reference.period.changed)))
        if blind := _blind(model):
            settings = model.settings
            said = settings.window_seconds, WIDE, named(blind), settings.natural_variation
            found.append(BLIND.format(*said))
        if unknown := unjudged(reference, model.settings):
            found.append(VARIED.format(" and ".join(unknown)))
    return [caveat for caveat in found if caveat]


def _blind(model: ModelWatch) -> list[str]:
    """Columns of which a shift of WIDE in a single window is within what they vary by."""
    chart = model.chart
    if chart is None or chart.allowance is None:
        return []
    seconds = np.full(len(chart.columns), model.settings.window_seconds)
    spread = np.sqrt(chart.allowance.variance(seconds)[:, 0])
    pairs = zip(chart.columns, spread, strict=True)
    return [column.name for column, sd in pairs if FIVE * sd > WIDE]
