"""The surroundings of a contestant: an upstream, receivers, a folder for files.

All of it runs on the other core, so that only the contestant runs on its own.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import nginx, processes, tools
from bench.processes import BenchError, Launch
from bench.settings import Settings

ROOT = Path(__file__).parent.parent


@dataclass
class Rig:
    """What is there for a contestant to talk to."""

    settings: Settings
    folder: Path
    model: int
    """Port of the upstream: nginx with one constant answer."""
    large: int
    """Port of the model server with large bodies and streams."""
    http: int
    """Port of OTLP over HTTP and of Loki's push API."""
    grpc: int
    """Port of OTLP over gRPC."""
    envoy: Path
    _made: int = field(default=0)

    def place(self, name: str) -> Path:
        """A fresh folder for one start of a contestant."""
        self._made += 1
        folder = self.folder / f"{self._made}-{name}"
        folder.mkdir(mode=0o755)
        return folder

    def received(self) -> dict[str, int]:
        """What the receivers got so far, by kind."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/counts", timeout=60) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


def _receivers(stack: ExitStack, core: int, errors: Path) -> dict[str, int]:
    with errors.open("ab") as stderr:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, "-m", "bench.receivers"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
        )
    stack.enter_context(processes.ended(process))
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], 20)
    line = process.stdout.readline() if readable else b""
    if not line:
        raise BenchError(f"the receivers did not start\n{errors.read_text()[-2000:]}")
    ports: dict[str, int] = json.loads(line)
    return ports


def _large(stack: ExitStack, core: int, errors: Path) -> int:
    port = processes.free_port()
    env = {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "bench.model", str(port)]
    launch = Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/upload", env=env)
    process = stack.enter_context(processes.ended(processes.start(launch, core, errors)))
    processes.wait_ready(process, launch, errors)
    return port


@contextmanager
def rig(settings: Settings) -> Iterator[Rig]:
    """Upstreams and receivers, up; ended on the way out."""
    core = settings.other_core
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outrider-bench-")))
        folder.chmod(0o755)
        errors = folder / "rig.err"
        ports = _receivers(stack, core, errors)
        home = folder / "upstream"
        home.mkdir()
        launch = nginx.upstream(home, settings.model_port or processes.free_port())
        process = stack.enter_context(processes.ended(processes.start(launch, core, errors)))
        processes.wait_ready(process, launch, errors)
        yield Rig(
            settings=settings,
            folder=folder,
            model=launch.port,
            large=_large(stack, core, errors),
            http=ports["http"],
            grpc=ports["grpc"],
            envoy=tools.envoy(),
        )


def say(text: str) -> None:
    """Progress for who watches, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
