"""A real model server, started as its example's README says, and its client.

Rule: in an environment of its own, on free ports, in a copy of the example's folder; ended by pid.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from bench import environments
from tests.harness import alive, eventually, free_ports, get, processes
from tests.servers.readme import SIDECAR, ports, steps

MADE = Path(__file__).parent / ".environments"
START = 120.0
"""Seconds that a server may take to be ready on a busy machine."""
END = 20.0
"""And to end."""
QUIET = {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""So that no test is a user in anybody's statistics."""


@dataclass(frozen=True)
class Served:
    """An example whose server runs."""

    folder: Path
    url: str
    log: Path
    env: Mapping[str, str]
    asks: tuple[str, ...]

    def ask(self, url: str) -> str:
        """What the example's client prints when it asks at this URL; it must exit with 0."""
        printed = ""
        for line in self.asks:
            done = subprocess.run(
                ["sh", "-c", line.replace(SIDECAR, url)],
                cwd=self.folder,
                env=self.env,
                capture_output=True,
                text=True,
                timeout=START,
                check=False,
            )
            told = (
                f"{line}\n{done.stdout}\n{done.stderr}\n--- server\n{self.log.read_text()[-4000:]}"
            )
            assert done.returncode == 0, told
            printed += done.stdout
        return printed


@contextmanager
def served(example: Path, ready: str, scratch: Path) -> Iterator[Served]:
    """Its server, once `ready` answers 200. Raises BenchError if PyPI has not what it needs."""
    python = environments.made(MADE / example.name, example / "requirements.txt")
    folder, log, wanted = scratch / example.name, scratch / "server.log", steps(example)
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    env = {
        k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "OUTRIDER_", "PYTHON"))
    }
    env |= {**QUIET, "PATH": f"{python.parent}{os.pathsep}{env['PATH']}"}
    for line in wanted.prepare:
        subprocess.run(["sh", "-c", line], cwd=folder, env=env, timeout=START, check=True)
    command, url = wanted.serve, wanted.upstream
    old = ports(command)
    for before, after in zip(old, free_ports(len(old)), strict=True):
        command, url = (text.replace(before, str(after)) for text in (command, url))
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=folder,
            env={**env, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            process_group=0,
        )
    try:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        eventually(lambda: _answers(process, address, ready, log), f"{command} to serve", START)
        yield Served(folder, url, log, env, tuple(wanted.ask))
    finally:
        _end(process)


def _answers(
    process: subprocess.Popen[bytes], address: tuple[str, int], path: str, log: Path
) -> bool:
    assert process.poll() is None, f"ended with {process.returncode}\n{log.read_text()[-8000:]}"
    try:
        return get(address, path).status == 200
    except (OSError, HTTPException):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and all that it began, also in groups of their own; it may first end these itself."""
    family = {process.pid}
    seen = list(processes())
    while more := {one.pid for one in seen if one.parent in family} - family:
        family |= more
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        eventually(lambda: process.poll() is not None and not alive(family), "its end", END)
    except AssertionError:
        for one in alive(family):
            os.kill(one, signal.SIGKILL)
    process.wait()
