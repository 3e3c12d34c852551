"""Size and change time of the model's file or folder, by `model.path`.

Rule: a bounded walk, seldom, in a thread of its own, as the folder may lie on a file system that
does not answer. Links are followed, each file counts once. What was not seen whole has no figure.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

MOST_FILES = 20_000
"""Files and folders of a model."""
EVERY = 60.0
"""Seconds between two walks; more where walking takes long."""
SHARE = 0.001
"""Of the time, at most, that walking may take."""


class Artifact(NamedTuple):
    """What there is at `model.path`."""

    size: int
    """Bytes of all files, each once, as `du --apparent-size` sums them, but without folders."""
    modified: float
    """Seconds since the epoch: the latest change of a file."""
    files: int


class Unreadable(Exception):
    """Why there is no figure, for people."""


def look(path: str) -> Artifact:
    """What is there now. Raises `Unreadable`."""
    size, modified, files = 0, 0.0, 0
    seen: set[tuple[int, int]] = set()
    try:
        for found in _walk(path):
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            size += found.st_size
            modified = max(modified, found.st_mtime)
            files += 1
    except OSError as error:
        raise Unreadable(f"{error.filename or path}: {error.strerror or error}") from None
    if not files:
        raise Unreadable(f"{path}: there is no file in it")
    return Artifact(size, modified, files)


def _walk(path: str) -> Iterator[os.stat_result]:
    """All files at or below `path`; folders that are linked into themselves once.

    A file that goes while we walk is left out. Raises OSError for `path` itself, and `Unreadable`.
    """
    first = os.stat(path)
    if not stat.S_ISDIR(first.st_mode):
        yield first
        return
    folders = [path]
    known = {(first.st_dev, first.st_ino)}
    count = 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                count += 1
                if count > MOST_FILES:
                    raise Unreadable(f"{path}: more than {MOST_FILES} files and folders")
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield found
                elif stat.S_ISDIR(found.st_mode) and (found.st_dev, found.st_ino) not in known:
                    known.add((found.st_dev, found.st_ino))
                    folders.append(entry.path)
