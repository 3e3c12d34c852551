"""`outrider profile`: build, show, diff and merge reference profiles.

Rule: each command takes parsed arguments and returns an exit status: 0, or 2 with one line on
standard error that says what to do.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from agent.drift import imports
from agent.drift.build import build_profile, count, with_derived
from agent.drift.classic import distances
from agent.drift.derived.confidence import Classifier
from agent.drift.derived.stored import described
from agent.drift.natural_build import with_variation
from agent.drift.progress import Progress
from agent.drift.reference import (
    ColumnProfile,
    Profile,
    ProfileError,
    load,
    save,
)
from agent.drift.reference import merge as merged
from agent.drift.sketch import Ints
from agent.drift.table import Batch, TableError, batches, format_of, spooled
from agent.drift.verdict import Baseline

Command = Callable[[argparse.Namespace], int]


def told(program: str) -> Callable[[Command], Command]:
    """Tells a person what went wrong instead of showing a traceback; status 2."""

    def wrap(command: Command) -> Command:
        @functools.wraps(command)
        def run(args: argparse.Namespace) -> int:
            try:
                return command(args)
            except (TableError, ProfileError) as problem:
                print(f"{program}: {problem}", file=sys.stderr)
            except OSError as problem:
                print(f"{program}: {problem.filename}: {problem.strerror}", file=sys.stderr)
            return 2

        return run

    return wrap


_told = told("outrider profile")


@_told
def build(args: argparse.Namespace) -> int:
    """`profile build DATA -o FILE [--format F] [--model M] [--columns …] [--outputs …] …`.

    With `--like`, a profile's file, its columns and bins are taken, so that both can be merged.
    """
    if args.data != "-":
        return _build(args, Path(args.data), args.format or format_of(Path(args.data)))
    if not args.format:
        raise TableError("standard input has no name: say --format csv (or jsonl, parquet)")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "rows")
        spooled(sys.stdin.buffer, copy)
        return _build(args, copy, args.format)


def _build(args: argparse.Namespace, path: Path, form: str) -> int:
    with Progress(
        f"reading {path.name}", passes=2 + (not args.like) + bool(args.timestamp)
    ) as progress:
        profile = _built(args, lambda: batches(path, form, progress), is_text=form == "csv")
    save(profile, Path(args.output))
    print(_summary(profile, args.output))
    return 0


def _built(
    args: argparse.Namespace, passes: Callable[[], Iterator[Batch]], is_text: bool
) -> Profile:
    kinds = dict(args.kind)
    if not args.like:
        profile = build_profile(
            passes,
            model=args.model,
            version=args.model_version,
            inputs=args.columns,
            outputs=args.outputs,
            kinds=kinds,
            timestamp=args.timestamp,
            target=args.target,
            from_text=is_text,
        )
        return _with_variation(profile, passes, args.timestamp)
    like = load(Path(args.like), args.model)
    if args.columns or args.outputs or args.target or kinds:
        raise TableError(
            "--like takes columns and kinds of its FILE: leave out --columns, --outputs, --target "
            "and --kind"
        )
    known = like.derived.calibration if like.derived is not None else None
    classifier = Classifier(known.outputs, None) if known is not None else None
    profile = count(
        passes(),
        args.model or like.model,
        like.columns,
        classifier,
        version=args.model_version or like.version,
        timestamp=args.timestamp,
    )
    if not profile.rows:
        raise TableError("no rows: a profile needs at least one")
    profile = with_derived(profile, passes(), like.derived, classifier)
    return _with_variation(profile, passes, args.timestamp)


def _with_variation(
    profile: Profile, passes: Callable[[], Iterator[Batch]], timestamp: str
) -> Profile:
    """The profile with its natural variation, or word of why not."""
    if not timestamp:
        return profile
    try:
        known = with_variation(profile, passes(), timestamp)
    except TableError as problem:
        print(f"natural variation is not known: {problem}", file=sys.stderr)
        return profile
    if known == profile:
        print("natural variation is not known: it takes a week of rows", file=sys.stderr)
    return known


@_told
def show(args: argparse.Namespace) -> int:
    """`profile show FILE [--json]`."""
    profile = load(Path(args.profile))
    if args.json:
        print(msgspec.json.encode(profile).decode())
        return 0
    print(_summary(profile, args.profile))
    for column in profile.columns:
        print(f"  {column.side:6} {column.name:24} {column.kind:11} {_content(column)}")
    derived = described(profile.derived)
    if derived:
        print(f"  derived: {', '.join(derived)}")
    return 0


@_told
def diff(args: argparse.Namespace) -> int:
    """`profile diff REFERENCE OTHER [--json]`: how far each column is, on the reference's bins.

    The table shows PSI, the JSON every classic distance that the column has.
    """
    reference, other = load(Path(args.profile)), load(Path(args.other))
    others = {(column.side, column.name): column for column in other.columns}
    rows: list[dict[str, object]] = []
    for column in reference.columns:
        match = others.pop((column.side, column.name), None)
        rows.append(_difference(column, match))
    for side, name in others:
        rows.append({"side": side, "name": name, "psi": None, "note": "only in the second"})
    if args.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    for row in rows:
        score = row["psi"]
        shown = f"{score:9.4f}" if isinstance(score, float) else "        -"
        print(f"  {row['side']!s:6} {row['name']!s:24} {shown}  {row['note']}")
    return 0


@_told
def merge(args: argparse.Namespace) -> int:
    """`profile merge FILE… -o FILE`."""
    parts = [load(Path(name)) for name in args.profiles]
    profile = merged(parts)
    save(profile, Path(args.output))
    print(_summary(profile, args.output))
    if len(described(profile.derived)) < max(len(described(part.derived)) for part in parts):
        print("  without relations, importance or confidence that were not derived alike in all")
    return 0


@_told
def import_(args: argparse.Namespace) -> int:
    """`profile import SOURCE -o FILE [--model M] [--outputs …]`: another tool's profile."""
    found = imports.read(Path(args.source), args.model, args.outputs)
    save(found.profile, Path(args.output))
    for note in found.notes:
        print(f"outrider profile: {note}", file=sys.stderr)
    print(_summary(found.profile, args.output))
    return 0


def _difference(column: ColumnProfile, other: ColumnProfile | None) -> dict[str, object]:
    found: dict[str, object] = {"side": column.side, "name": column.name, "psi": None, "note": ""}
    if other is None:
        return found | {"note": "only in the first"}
    if (column.kind, column.edges) != (other.kind, other.edges):
        return found | {"note": "other bins" + _moved(column, other)}
    counts = _aligned(column, other)
    if not (column.rows and counts.any()):
        return found | {"note": "no rows to compare"}
    every = distances(column, counts)
    return found | {"psi": every["psi"], "distances": every}


def _moved(column: ColumnProfile, other: ColumnProfile) -> str:
    a, b = column.moments, other.moments
    if a is None or b is None or not a.std:
        return ""
    return f"; the mean moved by {(b.mean - a.mean) / a.std:+.3f} sd"


def _aligned(column: ColumnProfile, other: ColumnProfile) -> Ints:
    """Counts of the other on the first one's bins; its unknown categories are `other`."""
    counts = Baseline(other).counts
    if column.categories is None or column.categories == other.categories:
        return counts
    moved = np.zeros(len(column.counts) + 2, dtype=np.int64)
    moved[-2:] = counts[-2:]
    places = {name: i for i, name in enumerate(column.categories)}
    for name, times in zip([*(other.categories or ()), ""], other.counts, strict=True):
        moved[places.get(name, len(places))] += times
    return moved


def _summary(profile: Profile, path: str) -> str:
    model = profile.model or "any model"
    return (
        f"{path}: {model}, {profile.rows} rows, {len(profile.columns)} columns, "
        f"{profile.short_hash}"
    )


def _content(column: ColumnProfile) -> str:
    parts: list[str] = []
    if column.moments is not None:
        seen = column.moments
        parts.append(f"{seen.min:.6g} to {seen.max:.6g}, mean {seen.mean:.6g}, sd {seen.std:.6g}")
    if column.categories:
        shown = ", ".join(name[:20] for name in column.categories[:5])
        parts.append(shown + (", …" if len(column.categories) > 5 else ""))
    if column.missing:
        parts.append(f"missing {column.missing / column.rows:.1%}")
    if column.invalid:
        parts.append(f"invalid {column.invalid / column.rows:.1%}")
    return "; ".join(parts)
