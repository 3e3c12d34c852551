"""`outrider profile`: its commands. Show and diff have files of their own.

Rule: each command takes parsed arguments and returns an exit status: 0, or 2 with one line on
standard error that says what to do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.drift import imports
from agent.drift.engine.questions import MIN_ROWS
from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import why_unknown, with_variation
from agent.drift.profiles.diff import diff
from agent.drift.profiles.like import counted_like
from agent.drift.profiles.show import show, summary
from agent.drift.profiles.told import told
from agent.drift.reference.derived import described
from agent.drift.reference.profile import Profile, load, save
from agent.drift.reference.profile import merge as merged
from agent.drift.rows.progress import Progress
from agent.drift.rows.table import Batch, TableError, batches, format_of, spooled

__all__ = ["build", "diff", "import_", "merge", "show"]

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

        def passes() -> Iterator[Batch]:
            return batches(path, form, progress, args.timestamp)

        profile = _built(args, passes, is_text=form == "csv")
    save(profile, Path(args.output))
    for word in _odd(profile):
        print(f"outrider profile: {word}", file=sys.stderr)
    print(summary(profile, args.output))
    return 0


def _odd(profile: Profile) -> Iterator[str]:
    """What will be judged badly, or not at all."""
    if profile.rows < MIN_ROWS:
        yield f"a reference of fewer than {MIN_ROWS} rows judges nothing; this has {profile.rows}"
    for column in profile.columns:
        known = sum(column.counts) + column.invalid
        if column.invalid > known / 2:
            yield f"{column.name}: {column.invalid:,} of {known:,} values are not {column.kind}"


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
            hide=args.hash,
        )
        return _with_variation(profile, passes, args.timestamp)
    like = load(Path(args.like), args.model)
    if args.columns or args.outputs or args.target or kinds or args.hash:
        raise TableError(
            "--like takes columns, kinds and keys of its FILE: leave out --columns, --outputs, "
            "--target, --kind and --hash"
        )
    profile = counted_like(
        like, passes, model=args.model, version=args.model_version, timestamp=args.timestamp
    )
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
    if why := why_unknown(known):
        print(why, file=sys.stderr)
    return known


@_told
def merge(args: argparse.Namespace) -> int:
    """`profile merge FILE… -o FILE`."""
    parts = [load(Path(name)) for name in args.profiles]
    profile = merged(parts)
    save(profile, Path(args.output))
    print(summary(profile, args.output))
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
    print(summary(found.profile, args.output))
    return 0
