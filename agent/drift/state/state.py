"""What outlives the observer, in `state_dir`: references, decisions, evidence and periods.

Rule: a file is written whole or not at all; one that is damaged or another's is set aside with the
reason, never believed and never a crash. Names of files are made of the model's name and version
and a digest of each, so that no name leads out of the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from agent.drift.reference.files import read_bounded, write_whole
from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile, ProfileError, load, save
from agent.drift.traffic.decisions import FORMAT, Decisions

Kind = Literal["reference", "decisions", "evidence", "period"]
MAX_DECISIONS = 64 << 20
"""Bytes; a longer file is none of ours."""
MAX_KEPT = 32
"""Versions of a model of which files are kept: those that were written last."""


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

    def reference(self, name: Name) -> Profile | None:
        """The learned or published one. Raises ProfileError."""
        path = self.path("reference", name)
        if path is None or not path.exists():
            return None
        profile = load(path, name.model)
        if name.version and profile.version not in ("", name.version):
            remedy = f"it is of another version than {name.version!r}"
            raise ProfileError(str(path), "version", profile.version, "is another one", remedy)
        return profile

    def keep_reference(self, name: Name, profile: Profile) -> None:
        """Raises OSError."""
        path = self._made("reference", name)
        if path is not None:
            save(profile, path)

    def decisions(self, name: Name) -> Decisions:
        """What was decided of it. Raises StateError; the file is then set aside."""
        path = self.path("decisions", name)
        if path is None or not path.exists():
            return Decisions(model=name.model, version=name.version)
        try:
            found = _read(path)
            if found.format != FORMAT:
                raise ValueError(f"format {found.format}, where this version reads {FORMAT}")
            if (found.model, found.version) != name:
                raise ValueError(f"it is of model {found.model!r} version {found.version!r}")
            return found
        except (OSError, ValueError, RecursionError) as problem:
            aside = set_aside(path)
            raise StateError(path, f"{problem}; it is not used, and kept as {aside}") from None

    def keep_decisions(self, decisions: Decisions) -> None:
        """Raises OSError."""
        path = self._made("decisions", Name(decisions.model, decisions.version))
        if path is not None:
            text = msgspec.json.format(msgspec.json.encode(decisions), indent=1)
            write_whole(path, text + b"\n")

    def binary_files(self, kind: Kind, oldest: float) -> list[tuple[Path, float]]:
        """Of all models, and when it was written, the newest first; older ones are removed."""
        found: list[tuple[float, Path]] = []
        for path in self.folder.glob(f"{kind}-*.bin") if self.folder is not None else ():
            with suppress(OSError):
                written = path.stat().st_mtime
                if written < oldest:
                    path.unlink()
                else:
                    found.append((written, path))
        return [(path, written) for written, path in sorted(found, reverse=True)]

    def write(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Evidence and periods: often, so the disk is not waited for. Raises OSError."""
        for path, data in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data, sure=False)

    def prune(self, model: str) -> None:
        """Removes the files of a model's versions beyond MAX_KEPT, those written longest ago."""
        written: dict[str, float] = {}
        files: dict[str, list[Path]] = {}
        found = self.folder.glob(f"*-{_plain(model)}@*") if self.folder is not None else ()
        for path in found:
            version = path.stem.partition("@")[2]
            files.setdefault(version, []).append(path)
            with suppress(OSError):
                written[version] = max(path.stat().st_mtime, written.get(version, 0.0))
        for version in sorted(written, key=written.__getitem__, reverse=True)[MAX_KEPT:]:
            for path in files[version]:
                with suppress(OSError):
                    path.unlink()

    def path(self, kind: Kind, name: Name) -> Path | None:
        """Where its file of this kind is; None without a folder."""
        if self.folder is None:
            return None
        of = _plain(name.model) + (f"@{_plain(name.version)}" if name.version else "")
        suffix = "bin" if kind in ("evidence", "period") else "json"
        return self.folder / f"{kind}-{of}.{suffix}"

    def _made(self, kind: Kind, name: Name) -> Path | None:
        path = self.path(kind, name)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _plain(name: str) -> str:
    """As a part of a file's name, in which no other one's is: `@` and `.` are in none."""
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:48]
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{readable}-{digest}"


def _read(path: Path) -> Decisions:
    return msgspec.json.decode(read_bounded(path, MAX_DECISIONS), type=Decisions)


def set_aside(path: Path) -> str:
    """Keeps a damaged file under another name, which is given."""
    aside = path.with_suffix(".damaged")
    try:
        os.replace(path, aside)
    except OSError:
        return path.name
    return aside.name
