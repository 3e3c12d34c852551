"""Whether `state_dir` can be written to, looked at before anything is to be kept there.

Rule: told at the start, for a reference is learned hours later; it stops nothing, as a disk may be
full for a while.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def trouble(folder: Path) -> str:
    """What is wrong and what to do, or nothing; makes the folder if there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".outrider-") as file:
            file.write(b"is there room?")
    except OSError as error:
        return (
            f"state_dir = {folder}: cannot be written to ({error.strerror or error}), so nothing "
            f"is kept there until it can be; make it a folder that user {os.getuid()} may write to"
        )
    return ""
