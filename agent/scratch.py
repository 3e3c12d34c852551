"""A private folder that lives as long as the supervisor: what an observer knew, for the next one.

Rule: it is a help, never a need: where none can be made, or it cannot be removed, all goes on.

Made by hand: `tempfile` would load a megabyte of modules into every process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make() -> Path | None:
    """An empty folder that only this user may enter; None if none can be made."""
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
        if parent:
            path = Path(parent) / f"outrider-{os.getpid()}-{os.urandom(8).hex()}"
            with suppress(OSError):
                os.mkdir(path, 0o700)
                return path
    return None


def remove(path: Path | None) -> None:
    """Takes the folder and its files away."""
    if path is None:
        return
    with suppress(OSError):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
