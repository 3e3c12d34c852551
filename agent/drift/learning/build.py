"""A profile of a file of rows, however large: one pass samples, one counts, one counts relations.

Rule: memory is bounded by the sample, whatever the file's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from agent.decode.payload import MAX_COLUMNS, Value
from agent.drift.derived.confidence import Classifier, classifier_of
from agent.drift.derived.correlation import Correlating
from agent.drift.derived.fit import DerivedBuilder, fit
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.derived import CONFIDENCE, NOTHING, Derived
from agent.drift.reference.order import Order
from agent.drift.reference.profile import ColumnProfile, Kind, Profile, SideName, hashed, make
from agent.drift.reference.sketch import Floats, Values, listed
from agent.drift.reference.times import epochs
from agent.drift.reference.variation import Period
from agent.drift.reference.vectors import Vector
from agent.drift.rows.table import Batch, TableError
from agent.drift.vectors.build import Names, coordinates, projected, vectors_of
from agent.drift.vectors.sums import Sums

SAMPLE_ROWS = 50_000
"""Rows that bins are set from; a file of at most so many has exact quantiles."""
SAMPLE_CELLS = 4_000_000
"""Rows times columns of it: about 130 MB; of more than 80 columns the sample has fewer rows."""
SEED = 20_000


def build_profile(
    passes: Callable[[], Iterator[Batch]],
    *,
    model: str = "",
    version: str = "",
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    timestamp: str = "",
    from_text: bool = False,
    sample_rows: int = SAMPLE_ROWS,
    target: str = "",
    hide: Sequence[str] = (),
) -> Profile:
    """The profile of the rows that each call of `passes` gives anew.

    `inputs`: which columns are features (None: all that are not outputs). `kinds`: of columns
    whose values would be taken for another kind; of numbered columns together, by the name before
    their number, also `vector`, or `columns` if they are none. `timestamp`: the column with the
    rows' times, which is no feature. `target`: the column of what was to be predicted, if there is
    one. `hide`: columns whose categories are hashed, whatever they look like. Raises TableError.
    """
    sample, rows = _sample(passes(), sample_rows)
    if not rows:
        raise TableError("no rows: a profile needs at least one")
    named = Names(sample.keys(), kinds or {})
    outputs = named(outputs)
    aside = [name for name in (*outputs, target, timestamp) if name]
    wanted = [name for name in sample if name not in aside] if inputs is None else named(inputs)
    told = dict.fromkeys([*wanted, *aside, *named(kinds or ()), *hide])
    unknown = [name for name in told if name not in sample]
    if unknown:
        raise TableError(f"no column {', '.join(unknown)}; there are {', '.join(sample)}")
    sides: list[tuple[str, SideName]] = [(name, "input") for name in wanted]
    sides += [(name, "output") for name in outputs]
    kept = len(next(iter(sample.values()), ()))
    right = sample[target] if target else None
    classifier = classifier_of({name: sample[name] for name in outputs}, right, kept)
    if target and classifier is None:
        raise TableError(
            f"--target {target}: the outputs are no probabilities of its classes, which need a "
            f"column a class that sum to 1, or one of two classes"
        )
    if classifier is not None:
        sample[CONFIDENCE] = listed(classifier.confidence(sample))
        sides.append((CONFIDENCE, "output"))
    apart = classifier.outputs if classifier is not None else ()
    found = vectors_of(sample, kept, dict(sides), named, apart)
    sides = [(name, side) for name, side in sides if name not in found.columns]
    if any(sum(of == side for _, of in sides) > MAX_COLUMNS for side in ("input", "output")):
        raise TableError(f"more than {MAX_COLUMNS} columns; choose some with --columns")
    shapes = [
        shape_of(
            name, side, sample[name],
            from_text=from_text, kind=_kind(named.kinds.get(name)), hide=name in hide,
        )
        for name, side in sides
    ]  # fmt: skip
    for shape in shapes:
        if shape.name in hide and shape.kind == "numeric":
            raise TableError(
                f"--hash {shape.name}: it is numeric, whose bins have no names: say --kind "
                f"{shape.name}=categorical too"
            )
    profile = count(
        passes(),
        model,
        [*shapes, *found.shapes],
        classifier,
        version=version,
        timestamp=timestamp,
        vectors=found.vectors,
        fitted=True,
        order=_order(sides),
    )
    derived = fit(profile.columns, sample, sample, kept)
    return with_derived(profile, passes(), derived, classifier, target)


def with_derived(
    profile: Profile,
    batches: Iterator[Batch],
    derived: Derived | None,
    classifier: Classifier | None = None,
    target: str = "",
) -> Profile:
    """The profile with its rows counted on derived columns, and its correlations."""
    correlating = Correlating(profile.columns)
    if derived is None and classifier is None and not correlating:
        return profile
    builder = DerivedBuilder(derived, profile.columns) if derived is not None else None
    calibrating = classifier.calibrating(profile.columns) if classifier is not None else None
    for batch in batches:
        correlating.add(batch.columns, batch.columns, batch.rows)
        if builder is not None:
            builder.add(batch.columns, batch.columns, batch.rows)
        if classifier is not None and calibrating is not None:
            rows = filled(batch, classifier.outputs)
            right = classifier.right(rows, batch.columns.get(target)) if target else None
            calibrating.add(classifier.confidence(rows), right)
    whole = builder.derived() if builder is not None else None
    if calibrating is not None:
        whole = msgspec.structs.replace(whole or NOTHING, calibration=calibrating.calibration())
    return hashed(msgspec.structs.replace(profile, columns=correlating.columns(), derived=whole))


def filled(batch: Batch, names: Sequence[str]) -> dict[str, Values]:
    """These columns, missing ones too."""
    lacking: list[Value] = [None] * batch.rows
    return {name: batch.columns.get(name, lacking) for name in names}


def count(
    batches: Iterator[Batch],
    model: str,
    shapes: Sequence[ColumnProfile],
    classifier: Classifier | None = None,
    *,
    version: str = "",
    timestamp: str = "",
    vectors: Sequence[Vector] = (),
    fitted: bool = False,
    order: Order | msgspec.UnsetType = msgspec.UNSET,
) -> Profile:
    """The profile of the rows on bins that are given, such as another profile's.

    `fitted`: some of these rows set the vectors' directions, see `agent.drift.vectors.fit`.
    Raises TableError if none of the values of the column `timestamp` is a time.
    """
    builders = [ColumnBuilder(shape) for shape in shapes]
    sums = [Sums(vector) for vector in vectors]
    rows = 0
    ends = np.empty(0)
    for batch in projected(batches, vectors):
        odd = slice(1 - rows % 2, None, 2)
        rows += batch.rows
        for shape, builder in zip(shapes, builders, strict=True):
            values: Values = batch.columns.get(shape.name, ())
            if shape.name == CONFIDENCE and classifier is not None:
                values = classifier.confidence(filled(batch, classifier.outputs))
            if fitted and shape.kind == "view":
                builder.add(values[odd])
                continue
            builder.add(values, absent=batch.rows - len(values))
        for each in sums:
            coded = batch.columns[coordinates(each.vector)]
            each.add(coded[odd] if fitted else coded)
        if timestamp:
            ends = _ends(ends, batch.columns.get(timestamp, ()))
    if timestamp and not len(ends):
        remedy = "wanted ISO 8601 text, or numbers since the epoch"
        raise TableError(f"no value of column {timestamp} is a time; {remedy}")
    period = Period(float(ends[0]), float(ends[1]), 0.0, 0) if len(ends) else None
    columns = [builder.profile() for builder in builders]
    counted = [each.counted() for each in sums]
    return make(model, rows, columns, version, period, vectors=counted, order=order)


def _order(sides: Sequence[tuple[str, SideName]]) -> Order:
    plain = [(name, side) for name, side in sides if name != CONFIDENCE]
    return Order(
        [name for name, side in plain if side == "input"],
        [name for name, side in plain if side == "output"],
    )


def _kind(declared: str | None) -> Kind | None:
    return msgspec.convert(declared, Kind) if declared is not None else None


def _ends(ends: Floats, values: Values) -> Floats:
    """The first and the last of these times; none of none."""
    times = np.append(ends, epochs(values))
    times = times[~np.isnan(times)]
    return np.array([times.min(), times.max()]) if len(times) else times


def _sample(batches: Iterator[Batch], size: int) -> tuple[dict[str, list[Value]], int]:
    """A uniform sample of rows as columns, and the number of all rows (reservoir, by places)."""
    chance = np.random.default_rng(SEED)
    sample: dict[str, list[Value]] = {}
    seen = kept = 0
    for batch in batches:
        if not seen:
            size = max(1, min(size, SAMPLE_CELLS // max(1, len(batch.columns))))
        order = np.arange(seen, seen + batch.rows)
        late = order[order >= size]
        places = np.append(order[order < size], chance.random(len(late)) * (late + 1)).astype(int)
        rows = np.flatnonzero(places < size).tolist()
        kept = min(seen + batch.rows, size)
        for name in batch.columns:
            if name not in sample and len(sample) < 2 * MAX_COLUMNS:
                sample[name] = []
        for name, column in sample.items():
            column += [None] * (kept - len(column))
            values = batch.columns.get(name, ())
            cells = _cells(values, rows) if len(values) else [None] * len(rows)
            for place, value in zip(places[rows].tolist(), cells, strict=True):
                column[place] = value
        seen += batch.rows
    return sample, seen


def _cells(values: Values, rows: Sequence[int]) -> list[Value]:
    """These rows' values; None where an array has NaN."""
    if isinstance(values, np.ndarray):
        return [None if v != v else v for v in values[rows].tolist()]
    return [values[i] for i in rows]
