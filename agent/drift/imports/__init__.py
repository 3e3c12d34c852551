"""Other tools' profiles to ours: SageMaker Model Monitor's and whylogs'.

Rule: each source is a file that turns bytes into columns; what it cannot tell it says in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from agent.decode.payload import MAX_COLUMNS
from agent.drift.imports import sagemaker, whylogs
from agent.drift.reference.profile import MAX_FILE, ColumnProfile, Profile, ProfileError, make


class Imported(NamedTuple):
    """A profile, and what a person should know about how it came to be."""

    profile: Profile
    notes: list[str]


def read(path: Path, model: str = "", outputs: Sequence[str] = ()) -> Imported:
    """The profile in another tool's file, or folder of files. Raises ProfileError and OSError.

    `outputs`: which columns are predictions; neither tool says.
    """
    file = path / sagemaker.STATISTICS if path.is_dir() else path
    raw = _bytes(file)
    if raw.startswith(whylogs.MAGIC):
        rows, columns, notes = whylogs.columns(raw, str(file))
    else:
        beside = file.with_name(sagemaker.CONSTRAINTS)
        constraints = _bytes(beside) if beside != file and beside.exists() else None
        rows, columns, notes = sagemaker.columns(raw, constraints, str(file), str(beside))
    if not rows:
        raise ProfileError(str(file), "rows", rows, "are none", "give a profile of some data")
    return Imported(make(model, rows, _sided(columns, outputs, str(file))), notes)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        remedy = "profile fewer columns"
        raise ProfileError(str(path), "file", f"> {MAX_FILE} bytes", "is too large", remedy)
    return raw


def _sided(
    columns: Sequence[ColumnProfile], outputs: Sequence[str], source: str
) -> list[ColumnProfile]:
    names = [column.name for column in columns]
    for name in outputs:
        if name not in names:
            remedy = f"there are {', '.join(names[:20])}"
            raise ProfileError(source, "--outputs", name, "is no column", remedy)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ProfileError(source, "name", twice, "is there twice", "rename one of the columns")
    if not columns or len(columns) > MAX_COLUMNS:
        remedy = f"a profile has 1 to {MAX_COLUMNS}"
        raise ProfileError(source, "columns", len(columns), "is no such number", remedy)
    return [replace(c, side="output") if c.name in outputs else c for c in columns]
