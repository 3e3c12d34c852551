"""Peers from PyPI, each in an environment of its own, so that none decides another's versions.

`bench/constraints/NAME.txt` names every package with its version; the environment is made from it
under `bench/.environments/NAME` the first time that a contestant needs it, and anew when the file
has changed. To renew such a file: install its first block anywhere, then `pip freeze`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

from bench.processes import BenchError

HOME = Path(__file__).parent
CONSTRAINTS = HOME / "constraints"
MADE = HOME / ".environments"


def python(name: str) -> Path:
    """The environment's Python, made first if need be. Raises BenchError if that fails."""
    return made(MADE / name, CONSTRAINTS / f"{name}.txt")


def made(folder: Path, file: Path) -> Path:
    """The Python of the environment in `folder` with what `file` names, made first if need be.

    Raises BenchError if that fails.
    """
    wanted = file.read_text()
    interpreter, stamp = folder / "bin" / "python", folder / "made-from.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    print(f"making the environment {folder.name}", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--requirement", file], check=False).returncode:
        raise BenchError(f"could not install what {file} names from PyPI")
    stamp.write_text(wanted)
    return interpreter


def versions(name: str) -> dict[str, str]:
    """The packages of its first block, the ones that are compared, with their versions."""
    first, _, _ = (CONSTRAINTS / f"{name}.txt").read_text().partition("\n\n")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", first, re.MULTILINE))
