"""Rows as a profile on another's columns and bins, so that both can be compared or merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.drift.derived.confidence import Classifier
from agent.drift.learning.build import count, with_derived
from agent.drift.reference.profile import Profile
from agent.drift.rows.table import Batch, TableError


def counted_like(
    like: Profile,
    passes: Callable[[], Iterator[Batch]],
    *,
    model: str = "",
    version: str = "",
    timestamp: str = "",
) -> Profile:
    """The rows that each call of `passes` gives anew, on the bins of `like`.

    `model`, `version`: its own, if not those of `like`; `timestamp`: the column with the rows'
    times. Raises TableError.
    """
    known = like.derived.calibration if like.derived is not None else None
    classifier = Classifier(known.outputs, None) if known is not None else None
    profile = count(
        passes(),
        model or like.model,
        like.columns,
        classifier,
        version=version or like.version,
        timestamp=timestamp,
        vectors=like.vectors,
        order=like.order,
    )
    if not profile.rows:
        raise TableError("no rows: a profile needs at least one")
    return with_derived(profile, passes(), like.derived, classifier)
