"""What a reader of a model's verdicts must know."""

from __future__ import annotations

from agent.drift.model import ModelWatch

UNVARIED = (
    "natural variation is not known or not allowed for: the budget holds for rows that are "
    "independent of each other and of the hour; build the reference of a week or more of rows with "
    "times (outrider profile build --timestamp)"
)

VARIED = (
    "traffic is known to vary by itself: relations, importance and changes against the previous "
    "windows are not judged, as their own variation is not known"
)


def caveats_of(model: ModelWatch) -> list[str]:
    """Those that hold now, for `/api/v1/drift`."""
    found = [model.unseen.caveat()]
    if model.source == "learned":
        found.append(model.warmup.told())
    if model.chart is not None and model.chart.allowance is None:
        found.append(UNVARIED)
    if model.varies:
        found.append(VARIED)
    return [caveat for caveat in found if caveat]
