"""The surroundings of a contestant: an upstream, receivers, a folder for files.

All of it runs on the other core, so that only the contestant runs on its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import nginx, processes, tools
from bench.processes import Launch
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

    def place(self, name: str) -> Path:
        """A fresh folder for one start of a contestant."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o755)  # nginx's worker is another user
        return folder

    def received(self) -> dict[str, int]:
        """What the receivers got so far, by kind."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/counts", timeout=60) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


def _module(name: str, ready: str, *ports: int) -> Launch:
    """A module of ours as a process, its first port being the one that answers."""
    return Launch(
        argv=[sys.executable, "-m", name, *map(str, ports)],
        port=ports[0],
        ready=f"http://127.0.0.1:{ports[0]}{ready}",
        env={"PYTHONPATH": str(ROOT)},
    )


@contextmanager
def rig(settings: Settings) -> Iterator[Rig]:
    """Upstreams and receivers, up; ended on the way out."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outrider-bench-")))
        folder.chmod(0o755)
        home = folder / "upstream"
        home.mkdir()
        model = nginx.upstream(home, settings.model_port or processes.free_port())
        large = _module("bench.model", "/upload", processes.free_port())
        http, grpc = processes.free_ports(2)
        receivers = _module("bench.receivers", "/counts", http, grpc)
        errors = folder / "rig.err"
        for launch in (model, large, receivers):
            process = processes.start(launch, [settings.other_core], errors)
            stack.enter_context(processes.ended(process))
            processes.wait_ready(process, launch, errors)
        yield Rig(settings, folder, model.port, large.port, http, grpc, tools.envoy())


def say(text: str) -> None:
    """Progress for who watches, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
