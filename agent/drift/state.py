"""What outlives the observer, in `state_dir`: references, decisions, evidence and periods.

Rule: a file is written whole or not at all; one that is damaged or another's is set aside with the
reason, never believed and never a crash. Names of files are made of the model's name and a digest
of it, so that no name leads out of the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from agent.drift.decisions import FORMAT, Decisions
from agent.drift.files import read_bounded, write_whole
from agent.drift.reference import Profile, load, save

MAX_DECISIONS = 64 << 20
"""Bytes; a longer file is none of ours."""


class StateError(Exception):
    """A file that cannot be used, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Store:
    """The files of `folder`; without one nothing is found and nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def reference(self, model: str) -> Profile | None:
        """The learned or published one. Raises ProfileError."""
        path = self.path("reference", model)
        return load(path, model) if path is not None and path.exists() else None

    def keep_reference(self, model: str, profile: Profile) -> None:
        """Raises OSError."""
        path = self._made("reference", model)
        if path is not None:
            save(profile, path)

    def decisions(self, model: str) -> Decisions:
        """What was decided of this model. Raises StateError; the file is then set aside."""
        path = self.path("decisions", model)
        if path is None or not path.exists():
            return Decisions(model=model)
        try:
            found = _read(path)
            if found.format != FORMAT:
                raise ValueError(f"format {found.format}, where this version reads {FORMAT}")
            if found.model != model:
                raise ValueError(f"it is of model {found.model!r}")
            return found
        except (OSError, ValueError, RecursionError) as problem:
            aside = _set_aside(path)
            raise StateError(path, f"{problem}; it is not used, and kept as {aside}") from None

    def keep_decisions(self, decisions: Decisions) -> None:
        """Raises OSError."""
        path = self._made("decisions", decisions.model)
        if path is not None:
            text = msgspec.json.format(msgspec.json.encode(decisions), indent=1)
            write_whole(path, text + b"\n")

    def binary_files(self, kind: str, oldest: float) -> list[Path]:
        """Of all models, those written last first; what was written before `oldest` is removed."""
        found: list[tuple[float, Path]] = []
        for path in self.folder.glob(f"{kind}-*.bin") if self.folder is not None else ():
            with suppress(OSError):
                written = path.stat().st_mtime
                if written < oldest:
                    path.unlink()
                else:
                    found.append((written, path))
        return [path for _, path in sorted(found, reverse=True)]

    def write(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Evidence and periods: often, so the disk is not waited for. Raises OSError."""
        for path, data in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data, sure=False)

    def path(self, kind: str, model: str) -> Path | None:
        """Where a model's file of this kind is; None without a folder."""
        if self.folder is None:
            return None
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", model)[:48]
        digest = hashlib.sha256(model.encode("utf-8", "replace")).hexdigest()[:8]
        suffix = "bin" if kind in ("evidence", "period") else "json"
        return self.folder / f"{kind}-{readable}-{digest}.{suffix}"

    def _made(self, kind: str, model: str) -> Path | None:
        path = self.path(kind, model)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _read(path: Path) -> Decisions:
    return msgspec.json.decode(read_bounded(path, MAX_DECISIONS), type=Decisions)


def _set_aside(path: Path) -> str:
    aside = path.with_suffix(".damaged")
    try:
        os.replace(path, aside)
    except OSError:
        return path.name
    return aside.name
