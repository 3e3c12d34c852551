"""Libraries in turns: each a process that lives through all rounds, on the contestants' core.

While one works the others wait for their next line, so that imports and first calls are not in the
figures and what else happens on the machine meets all alike.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import processes
from bench.processes import BenchError
from bench.rig import ROOT


class Side:
    """One library's process."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.name = name
        self._process = process
        self._errors = errors
        self.versions: dict[str, str] = self._answer()

    def ask(self, task: str, **arguments: object) -> Any:
        """What the task gives. Raises BenchError if the process ended over it."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"task": task, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            said = self._errors.read_text(errors="replace")[-2000:]
            raise BenchError(f"{self.name} ended\n{said}")
        return json.loads(line)


@contextmanager
def side(name: str, python: Path, module: str, core: int, folder: Path) -> Iterator[Side]:
    """`python -m module` on a core, ready to be asked; ended on the way out."""

    def prepare() -> None:
        processes.LIBC.prctl(processes.PR_SET_PDEATHSIG, signal.SIGKILL)
        processes.pin(core)

    errors = folder / f"{name}.err"
    with errors.open("ab") as stderr:
        process = subprocess.Popen(
            [python, "-m", module],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
            preexec_fn=prepare,
        )
    with processes.ended(process):
        yield Side(name, process, errors)
