"""A profile of a file of rows, however large: one pass samples, one counts, one counts relations.

Rule: memory is bounded by the sample, whatever the file's size.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import msgspec

from agent.decode.payload import MAX_COLUMNS, Value
from agent.drift.derived.confidence import Classifier, classifier_of, listed
from agent.drift.derived.fit import DerivedBuilder, fit
from agent.drift.derived.stored import CONFIDENCE, NOTHING, Derived
from agent.drift.learn import ColumnBuilder, shape_of
from agent.drift.reference import ColumnProfile, Profile, SideName, hashed, make
from agent.drift.sketch import Values
from agent.drift.table import Batch, TableError

SAMPLE_ROWS = 50_000
"""Rows that bins are set from; a file of at most so many has exact quantiles."""
SEED = 20_000


def build_profile(
    passes: Callable[[], Iterator[Batch]],
    *,
    model: str = "",
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] = (),
    from_text: bool = False,
    sample_rows: int = SAMPLE_ROWS,
    target: str = "",
) -> Profile:
    """The profile of the rows that each call of `passes` gives anew.

    `inputs`: which columns are features (None: all that are not outputs); `target`: the column of
    what was to be predicted, if there is one. Raises TableError.
    """
    sample, rows = _sample(passes(), sample_rows)
    if not rows:
        raise TableError("no rows: a profile needs at least one")
    aside = {*outputs, target}
    wanted = [name for name in sample if name not in aside] if inputs is None else list(inputs)
    needed = [*wanted, *outputs, *([target] if target else [])]
    unknown = [name for name in needed if name not in sample]
    if unknown:
        raise TableError(f"no column {', '.join(unknown)}; there are {', '.join(sample)}")
    if len(wanted) > MAX_COLUMNS or len(outputs) > MAX_COLUMNS:
        raise TableError(f"more than {MAX_COLUMNS} columns; choose some with --columns")
    sides: list[tuple[str, SideName]] = [(name, "input") for name in wanted]
    sides += [(name, "output") for name in outputs]
    kept = len(next(iter(sample.values()), ()))
    classifier = classifier_of({name: sample[name] for name in outputs}, sample.get(target), kept)
    if target and classifier is None:
        raise TableError(
            f"--target {target}: the outputs are no probabilities of its classes, which need a "
            f"column a class that sum to 1, or one of two classes"
        )
    if classifier is not None:
        sample[CONFIDENCE] = listed(classifier.confidence(sample))
        sides.append((CONFIDENCE, "output"))
    shapes = [shape_of(name, side, sample[name], from_text=from_text) for name, side in sides]
    profile = count(passes(), model, shapes, classifier)
    derived = fit(profile.columns, sample, sample, kept)
    return with_derived(profile, passes(), derived, classifier, target)


def with_derived(
    profile: Profile,
    batches: Iterator[Batch],
    derived: Derived | None,
    classifier: Classifier | None = None,
    target: str = "",
) -> Profile:
    """The profile with its rows counted on derived columns, if there are any."""
    if derived is None and classifier is None:
        return profile
    builder = DerivedBuilder(derived, profile.columns) if derived is not None else None
    calibrating = classifier.calibrating(profile.columns) if classifier is not None else None
    for batch in batches:
        if builder is not None:
            builder.add(batch.columns, batch.columns, batch.rows)
        if classifier is not None and calibrating is not None:
            rows = filled(batch, classifier.outputs)
            right = classifier.right(rows, batch.columns.get(target)) if target else None
            calibrating.add(classifier.confidence(rows), right)
    whole = builder.derived() if builder is not None else NOTHING
    if calibrating is not None:
        whole = msgspec.structs.replace(whole, calibration=calibrating.calibration())
    return hashed(msgspec.structs.replace(profile, derived=whole))


def filled(batch: Batch, names: Sequence[str]) -> dict[str, Values]:
    """These columns, missing ones too."""
    lacking: list[Value] = [None] * batch.rows
    return {name: batch.columns.get(name, lacking) for name in names}


def count(
    batches: Iterator[Batch],
    model: str,
    shapes: Sequence[ColumnProfile],
    classifier: Classifier | None = None,
) -> Profile:
    """The profile of the rows on bins that are given, such as another profile's."""
    builders = [ColumnBuilder(shape) for shape in shapes]
    rows = 0
    for batch in batches:
        rows += batch.rows
        for shape, builder in zip(shapes, builders, strict=True):
            values: Values = batch.columns.get(shape.name, ())
            if shape.name == CONFIDENCE and classifier is not None:
                values = classifier.confidence(filled(batch, classifier.outputs))
            builder.add(values, absent=batch.rows - len(values))
    return make(model, rows, [builder.profile() for builder in builders])


def _sample(batches: Iterator[Batch], size: int) -> tuple[dict[str, list[Value]], int]:
    """A uniform sample of rows as columns, and the number of all rows (reservoir, by places)."""
    chance = random.Random(SEED)
    sample: dict[str, list[Value]] = {}
    seen = kept = 0
    for batch in batches:
        places = list(range(kept, min(kept + batch.rows, size)))
        kept += len(places)
        places += [chance.randrange(seen + i + 1) for i in range(len(places), batch.rows)]
        for name in batch.columns:
            if name not in sample and len(sample) < 2 * MAX_COLUMNS:
                sample[name] = [None] * kept
        for name, column in sample.items():
            column += [None] * (kept - len(column))
            values = batch.columns.get(name) or [None] * batch.rows
            for place, value in zip(places, values, strict=True):
                if place < size:
                    column[place] = value
        seen += batch.rows
    return sample, seen
