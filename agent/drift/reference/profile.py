"""The reference profile: what normal looks like, as a small versioned JSON file.

Rule: counts on fixed bins and a few moments, no rows. What a file says is checked before it is
believed; what does not hold is a `ProfileError` that names field, value and remedy.

`hash` is the SHA-256 of the profile's other content; its first 8 hex digits name the reference in
metrics. Profiles with equal bins merge by adding.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

import agent.drift.reference.derived as stored
from agent.drift.reference.files import read_bounded, write_whole
from agent.drift.reference.forms import FORMS, TimeBins
from agent.drift.reference.lengths import LengthBins
from agent.drift.reference.order import Order, wrong_order
from agent.drift.reference.private import HASH, KEY
from agent.drift.reference.sketch import Bins, CategoryBins, NumericBins
from agent.drift.reference.variation import ColumnVariation, Period, problem
from agent.drift.reference.variation import merged as merged_variation
from agent.drift.reference.vector_bins import ViewBins
from agent.drift.reference.vectors import Vector, without_means
from agent.drift.reference.vectors import merged as merged_vectors
from agent.drift.reference.vectors import problem as wrong_vectors

FORMAT = 3
MAX_FILE = 64 << 20
"""Bytes; a longer file is no profile."""
MAX_COUNT = 1 << 53

Kind = Literal["numeric", "categorical", "boolean", "text", "timestamp", "vector", "view"]
"""A vector's column has its norm; beside it are its views (`agent.drift.vectors`)."""
MEASURED = ("numeric", "text", "vector", "view")
"""Kinds with numeric bins: of the values, of their lengths, norms or views."""
SideName = Literal["input", "output"]
Source = Literal["", "given", "learned", "published"]
"""Where a model's reference is from; empty: it has none."""
_ON_A_LINE = {"text": LengthBins, "view": ViewBins}


class ProfileError(Exception):
    """A profile that cannot be used: which, what is wrong with it, and what to do."""

    def __init__(self, source: str, field: str, value: object, problem: str, remedy: str) -> None:
        super().__init__(f"{source}: {field}: {problem} (found {_short(value)}); {remedy}")
        self.source = source
        self.field = field
        self.value = value
        self.remedy = remedy


class Moments(Struct, frozen=True):
    """Of the finite values: count, extremes, mean, and the sum of squares about the mean."""

    count: int
    min: float
    max: float
    mean: float
    m2: float

    @property
    def std(self) -> float:
        """Standard deviation, of a sample."""
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0


class ColumnProfile(Struct, frozen=True):
    """One column: its bins, how often each was seen, and what fell outside them.

    Columns of numbers and of texts, which are told apart by length, have `edges`; the others have
    `categories`, which for times are `forms.FORMS`. `counts` has one place more than either: the
    open end, or `other`.
    """

    name: str
    side: SideName
    kind: Kind
    counts: list[int]
    missing: int
    invalid: int
    edges: list[float] | None = None
    categories: list[str] | None = None
    moments: Moments | None = None
    variation: ColumnVariation | None = None
    """None: not known."""
    correlation: Annotated[float, Meta(ge=-1, le=1)] | None = None
    """With the prediction, as `derived.correlation` has it. None: not known, as after a merge."""
    key: str = ""
    """32 hex digits; then the categories are hashes under it (`reference.private`)."""

    def bins(self) -> Bins:
        """The bins, ready to count with."""
        if self.edges is not None:
            return _ON_A_LINE.get(self.kind, NumericBins)(self.edges)
        if self.kind == "timestamp":
            return TimeBins()
        return CategoryBins(self.categories or (), boolean=self.kind == "boolean", key=self.key)

    @property
    def rows(self) -> int:
        """Rows it was made from."""
        return sum(self.counts) + self.missing + self.invalid


class Profile(Struct, frozen=True):
    """A model's reference."""

    format: int
    model: str
    """Empty: of any model."""
    version: str
    rows: int
    columns: list[ColumnProfile]
    hash: str = ""
    period: Period | None = None
    """None: of rows whose times are not known."""
    derived: stored.Derived | None = None
    """None: only columns by themselves are judged."""
    vectors: list[Vector] = []
    """How numbered columns become the columns of kind `vector` and `view`."""
    order: Order | msgspec.UnsetType = msgspec.UNSET
    """Not there: not known."""

    @property
    def short_hash(self) -> str:
        """As in metrics: 8 hex digits."""
        return self.hash[:8]


def make(
    model: str,
    rows: int,
    columns: Sequence[ColumnProfile],
    version: str = "",
    period: Period | None = None,
    derived: stored.Derived | None = None,
    vectors: Sequence[Vector] = (),
    order: Order | msgspec.UnsetType = msgspec.UNSET,
) -> Profile:
    """A profile of these columns, with its hash."""
    ordered = sorted(columns, key=lambda column: (column.side, column.name))
    kept = [*vectors]
    return hashed(Profile(FORMAT, model, version, rows, ordered, "", period, derived, kept, order))


def hashed(profile: Profile) -> Profile:
    """The same with the hash of its content."""
    return msgspec.structs.replace(profile, hash=_digest(profile))


def with_columns(
    profile: Profile, columns: Mapping[tuple[SideName, str], ColumnProfile]
) -> Profile:
    """The same with these columns, by side and name, in the place of its own; another hash.

    Derived columns go if one of these is among those that they are computed of, and the mean of a
    vector if one is its view: what goes with the new normal is not known yet.
    """
    replaced = [columns.get((c.side, c.name), c) for c in profile.columns]
    derived = profile.derived
    if derived is not None and columns.keys() & stored.sources(derived):
        derived = None
    vectors = without_means(profile.vectors, columns.keys())
    return hashed(
        msgspec.structs.replace(profile, columns=replaced, derived=derived, vectors=vectors)
    )


def save(profile: Profile, path: Path) -> None:
    """Writes the file whole or not at all. Raises OSError."""
    write_whole(path, shown(profile))


def shown(profile: Profile) -> bytes:
    """The file's bytes."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=1) + b"\n"


def load(path: Path, model: str = "") -> Profile:
    """The profile in a file, wholly checked; `model` is the one it must be of, if given.

    Raises ProfileError.
    """
    source = str(path)
    try:
        raw = read_bounded(path, MAX_FILE)
    except OSError as problem:
        remedy = "check the path and its permissions"
        raise ProfileError(source, "file", problem.strerror, "cannot be read", remedy) from None
    except ValueError:
        raise ProfileError(
            source, "file", f"> {MAX_FILE} bytes", "is too large", _REBUILD
        ) from None
    profile = parse(raw, source)
    if model and profile.model and profile.model != model:
        remedy = f"build one of {model}'s own data, or with --model {model}"
        raise ProfileError(source, "model", profile.model, f"is not {model}", remedy)
    return profile


def parse(raw: bytes, source: str) -> Profile:
    """The profile in these bytes. Raises ProfileError; `source` is what its message names."""
    try:
        found = msgspec.json.decode(raw, type=_Format).format
        if found != FORMAT:
            remedy = f"rebuild it with this version of outrider, which reads format {FORMAT}"
            raise ProfileError(source, "format", found, "is another format", remedy)
        profile = msgspec.json.decode(raw, type=Profile)
    except (ValueError, RecursionError) as problem:
        raise ProfileError(
            source, "file", str(problem), "is damaged or no profile", _REBUILD
        ) from None
    if profile.hash != _digest(profile):
        remedy = "it was changed or damaged since it was made: " + _REBUILD
        raise ProfileError(source, "hash", profile.hash[:16], "does not match the content", remedy)
    for column in profile.columns:
        _check(column, source)
    if len({(column.side, column.name) for column in profile.columns}) < len(profile.columns):
        raise ProfileError(source, "columns", "", "name a column twice", _REBUILD)
    if profile.derived is not None:
        bins = {(str(c.side), c.name): len(c.counts) for c in profile.columns}
        wrong = stored.problem(profile.derived, bins)
        if wrong:
            raise ProfileError(source, "derived", wrong, "is damaged", _REBUILD)
    wrong = wrong_vectors(profile.vectors, {(c.side, c.name): c.kind for c in profile.columns})
    if wrong:
        raise ProfileError(source, "vectors", wrong, "is damaged", _REBUILD)
    known = {(str(c.side), c.name) for c in profile.columns}
    if profile.order and (wrong := wrong_order(profile.order, known)):
        raise ProfileError(source, "order", wrong, "is damaged", _REBUILD)
    return profile


def merge(profiles: Sequence[Profile]) -> Profile:
    """One profile of several of the same columns and bins. Raises ProfileError.

    Derived columns are kept only if all were derived alike (`--like` does).
    """
    first = profiles[0]
    columns = first.columns
    for other in profiles[1:]:
        if other.model != first.model:
            remedy = "merge profiles of one model"
            raise ProfileError("merge", "model", other.model, f"is not {first.model!r}", remedy)
        if [(c.side, c.name) for c in other.columns] != [(c.side, c.name) for c in columns]:
            names = [c.name for c in other.columns]
            remedy = "merge profiles of the same columns"
            raise ProfileError("merge", "columns", names, "differ", remedy)
        if merged_vectors([first.vectors, other.vectors]) is None:
            names = [vector.name for vector in other.vectors]
            remedy = "build the second with --like the first"
            raise ProfileError("merge", "vectors", names, "are looked at otherwise", remedy)
        columns = [_added(a, b) for a, b in zip(columns, other.columns, strict=True)]
    period = _period(profiles)
    rows = sum(p.rows for p in profiles)
    derived = stored.merged([profile.derived for profile in profiles])
    vectors = merged_vectors([profile.vectors for profile in profiles])
    same = all(profile.order == first.order for profile in profiles)
    order = first.order if same else msgspec.UNSET
    return make(first.model, rows, columns, first.version, period, derived, vectors or (), order)


def _period(profiles: Sequence[Profile]) -> Period | None:
    """From the first beginning to the last end. Raises ProfileError if slots differ in length."""
    known = [profile.period for profile in profiles if profile.period is not None]
    if not known:
        return None
    if len({period.seconds for period in known}) > 1:
        found = [period.seconds for period in known]
        remedy = "build them with the same --window"
        raise ProfileError("merge", "period.seconds", found, "differ", remedy)
    return Period(
        min(period.began for period in known),
        max(period.ended for period in known),
        known[0].seconds,
        max(period.slots for period in known),
    )


def _added(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    if a.key != b.key and a.key and b.key:
        remedy = "build the second with --like the first one, which shares its key"
        raise ProfileError(
            "merge", f"columns.{a.name}", b.key[:8], "is hashed with another key", remedy
        )
    if (a.kind, a.edges, a.categories) != (b.kind, b.edges, b.categories):
        remedy = "build the second with the first one's bins (profiles of one build share them)"
        raise ProfileError("merge", f"columns.{a.name}", b.kind, "has other bins", remedy)
    return msgspec.structs.replace(
        a,
        counts=[x + y for x, y in zip(a.counts, b.counts, strict=True)],
        missing=a.missing + b.missing,
        invalid=a.invalid + b.invalid,
        moments=pooled(a.moments, b.moments),
        variation=merged_variation(a.variation, b.variation),
        correlation=None,  # it does not add up
    )


def pooled(a: Moments | None, b: Moments | None) -> Moments | None:
    """Moments of both together (Chan, Golub and LeVeque's update)."""
    if a is None or b is None:
        return a or b
    count = a.count + b.count
    step = b.mean - a.mean
    return Moments(
        count,
        min(a.min, b.min),
        max(a.max, b.max),
        (a.count * a.mean + b.count * b.mean) / count,
        a.m2 + b.m2 + step * step * (a.count * b.count / count),
    )


class _Format(Struct):
    format: int


_REBUILD = "build it again with `outrider profile build`"


def _digest(profile: Profile) -> str:
    plain = msgspec.json.encode(msgspec.structs.replace(profile, hash=""))
    return hashlib.sha256(plain).hexdigest()


def _check(column: ColumnProfile, source: str) -> None:
    """What a hash cannot promise: a file that was made wrong.

    Columns may be of different numbers of rows: one may have been renewed by itself.
    """
    where = f"columns.{column.name}"
    is_measured = column.kind in MEASURED
    extras = column.edges if is_measured else column.categories
    wrong_kind = column.categories if is_measured else column.edges
    is_wrong = column.kind == "timestamp" and extras != [*FORMS]
    if extras is None or wrong_kind is not None or is_wrong:
        raise ProfileError(source, where, column.kind, "has not the bins of its kind", _REBUILD)
    if column.edges is not None and any(not a < b for a, b in pairwise(column.edges)):
        raise ProfileError(source, f"{where}.edges", column.edges, "do not increase", _REBUILD)
    if column.key and not _is_hidden(column):
        raise ProfileError(source, f"{where}.key", column.kind, "has no hashes to it", _REBUILD)
    counts = [*column.counts, column.missing, column.invalid]
    if len(column.counts) != len(extras) + 1 or not all(0 <= c <= MAX_COUNT for c in counts):
        raise ProfileError(source, f"{where}.counts", counts, "do not fit the bins", _REBUILD)
    wrong = problem(column.variation, len(counts)) if column.variation is not None else ""
    if wrong:
        raise ProfileError(source, f"{where}.variation", wrong, "is damaged", _REBUILD)


def _is_hidden(column: ColumnProfile) -> bool:
    return (
        column.kind == "categorical"
        and KEY.fullmatch(column.key) is not None
        and all(HASH.fullmatch(name) for name in column.categories or ())
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
