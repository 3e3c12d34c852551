"""Files that are there whole or not at all, and no longer than they may be."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes, *, sure: bool = True) -> None:
    """Writes a file in the place of what was there. Raises OSError, and then nothing changed.

    `sure`: it is on the disk when this returns; without it a crash of the machine (not of the
    process) may leave it empty.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
    except OSError as problem:
        problem.filename = str(path)  # not the temporary's, which nobody asked for
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            if sure:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read_bounded(path: Path, most: int) -> bytes:
    """All of a file. Raises OSError, and ValueError if it has more than `most` bytes."""
    with path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"it has more than {most} bytes")
    return raw
