"""A report of two samples: profiles, or files of rows, a reference and what is compared with it.

Rule: the verdict is that of `outrider profile diff` (`agent.drift.profiles.compare`): the
questions and the evidence that traffic is judged by, for one comparison. What one comparison
cannot say is in the caveats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import with_variation
from agent.drift.pictures.bins import counts_of
from agent.drift.pictures.column import picture_of
from agent.drift.profiles.compare import STRUCTURAL, Difference, Level, compare
from agent.drift.profiles.like import counted_like
from agent.drift.profiles.shared import shared
from agent.drift.profiles.unshared import MEAN
from agent.drift.reference.profile import ColumnProfile, Profile, load
from agent.drift.rows.progress import Progress
from agent.drift.rows.table import SUFFIXES, Batch, TableError, batches
from agent.report.cleaned import Cleaner
from agent.report.content import Column, Model, Pair, Reference, Report, State
from agent.report.quality import rose, unseen_of

CHANCE = (
    "one comparison of two samples: chance alone lets 1 in {:,.0f} such reports name a column; it "
    "says how the samples differ, not since when, and not that it goes on"
)
INDEPENDENT = (
    "rows are taken as independent of each other and of the hour: samples of different days may "
    "differ by what is natural; a reference of a week or more of rows with times, against others "
    "with times, allows for it (--timestamp)"
)
HOURS = (
    "what days differ by themselves is allowed for, hours of day are not: compare whole days with "
    "whole days"
)
TOGETHER = "columns are compared one by one, not how they go together"
STATES: dict[str, State] = {"alike": "stable", "not_comparable": "insufficient"}


class Sample(NamedTuple):
    """A side of the comparison."""

    name: str
    profile: Profile


class Asked(NamedTuple):
    """What of data files is read."""

    format: str | None
    columns: Sequence[str] | None
    outputs: Sequence[str]
    timestamp: str


def samples_of(paths: Sequence[str], asked: Asked) -> tuple[Sample, Sample, bool]:
    """The reference and the other, and whether the other is rows. Raises TableError,
    ProfileError."""
    reference = _sample(Path(paths[0]), asked, None)
    other = _sample(Path(paths[1]), asked, reference.profile)
    return reference, other, not _is_profile(Path(paths[1]))


def _is_profile(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _sample(path: Path, asked: Asked, like: Profile | None) -> Sample:
    if _is_profile(path):
        return Sample(path.name, load(path))
    form = asked.format or _format(path)
    with Progress(f"reading {path.name}", passes=4 if like is None else 2) as progress:

        def passes() -> Iterator[Batch]:
            return batches(path, form, progress, asked.timestamp)

        if like is not None:
            return Sample(path.name, counted_like(like, passes, timestamp=asked.timestamp))
        return Sample(path.name, _reference(passes, asked, is_text=form == "csv"))


def _reference(passes: Callable[[], Iterator[Batch]], asked: Asked, *, is_text: bool) -> Profile:
    """A profile of the rows, with their natural variation where their times are told and many
    enough."""
    profile = build_profile(
        passes,
        inputs=asked.columns,
        outputs=asked.outputs,
        timestamp=asked.timestamp,
        from_text=is_text,
    )
    with suppress(TableError):
        if asked.timestamp:
            return with_variation(profile, passes(), asked.timestamp)
    return profile


def _format(path: Path) -> str:
    if path.suffix.lower() not in SUFFIXES:
        names = ", ".join((".json", *SUFFIXES))
        raise TableError(f"{path}: the name does not end in {names}; say --data-format csv (or …)")
    return SUFFIXES[path.suffix.lower()]


def compared_report(
    reference: Sample, other: Sample, level: Level, made_at: float, made_by: str, *, of_rows: bool
) -> Report:
    """How the other differs from the reference. Raises ProfileError if they share no column."""
    clean = Cleaner(is_redacted=False)
    a, b = reference.profile, other.profile
    found = compare(a, b, level)
    before, after = ({(str(c.side), c.name): c for c in p.columns} for p in (a, b))

    def column(difference: Difference) -> Column:
        key = difference.side, difference.name
        return _column(difference, before.get(key), after.get(key), clean)

    columns = [column(difference) for difference in found if difference.state != "only_in_other"]
    new = [d for d in found if d.state == "only_in_other"]
    columns += [column(difference) for difference in new]
    columns.sort(key=lambda c: (c.state != "drift", -c.excess))
    states = {one.state for one in columns}
    state: State = "stable" if "stable" in states else "insufficient"
    name = clean.title(b.model or a.model)
    caveats = [CHANCE.format(1 / level.chance), TOGETHER]
    if a.period is None or b.period is None or not any(c.variation for c in a.columns):
        caveats.append(INDEPENDENT)
    else:
        caveats.append(HOURS)
    ended = a.period.ended if a.period is not None else None
    return Report(
        made_at=made_at,
        made_by=made_by,
        kind="data" if of_rows else "profiles",
        reference=clean.name(reference.name),
        current=clean.name(other.name),
        models=[
            Model(
                name=name,
                version=clean.title(b.version),
                state="drift" if "drift" in states else state,
                reference=Reference(
                    a.short_hash, a.rows, clean.name(reference.name), ended, clean.title(a.version)
                ),
                rows=b.rows,
                columns=columns,
                unexpected=[clean.name(d.name) for d in new],
                caveats=caveats,
            )
        ],
    )


def _column(
    difference: Difference, a: ColumnProfile | None, b: ColumnProfile | None, clean: Cleaner
) -> Column:
    found, state = difference.found, STATES.get(difference.state, "drift")
    test, note, share = "", difference.note, None
    if difference.state in STRUCTURAL:
        test = {"only_in_reference": "gone", "only_in_other": "new"}.get(difference.state, "kind")
        note = " to ".join(filter(None, difference.kind)) if test == "kind" else note
    picture, missing, invalid = None, Pair(), Pair()
    unseen, lacks = None, test == "gone"
    if a is not None and b is not None and a.kind == b.kind:
        pair = shared(a, b)
        shown = picture_of(pair.a, counts_of(pair.b), marks=state == "drift")
        missing, invalid = Pair(**shown["missing"]), Pair(**shown["invalid"])
        rows = a.rows, b.rows
        lacks = any(rose(p.reference or 0.0, p.now or 0.0, *rows) for p in (missing, invalid))
        unseen = unseen_of(shown["bins"]) if pair.is_whole else None
        is_named = a.kind == "categorical"
        picture = clean.picture({**shown, "now_of": "current"}, has_names=is_named)
        if b.missing == b.rows and a.missing < a.rows:
            note = "absent from all rows"
    if found is not None:
        test = found.test
        if found.before is not None and found.after is not None and test != MEAN:
            share = Pair(found.before, found.after)
    kind = difference.kind[0] or difference.kind[1]
    return Column(
        name=clean.name(difference.name),
        side=difference.side,
        kind=kind,
        state=state,
        hashed=bool(a is not None and a.key),
        test=clean.name(test) if kind == "categorical" else test,
        direction="" if found is None else "up" if found.effect > 0 else "down",
        effect=None if found is None else abs(found.effect),
        score=None if found is None else found.score,
        threshold=None if found is None else found.threshold,
        p_value=None if found is None else found.p_value,
        share=share,
        psi=difference.distances.get("psi"),
        rows=difference.rows[1],
        missing=missing,
        invalid=invalid,
        unseen=unseen,
        missing_rose=lacks,
        note=clean.said(note),
        picture=picture,
    )
