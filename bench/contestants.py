"""Who is measured, by name, and what each owes for a request that it served."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import envoy, nginx, outrider, processes
from bench.processes import Launch
from bench.rig import Rig
from bench.settings import Custom


@dataclass(frozen=True)
class Contestant:
    """A proxy in one configuration."""

    name: str
    title: str
    launch: Callable[[Rig, Path, int], Launch]
    """From the rig, a folder of its own and the model server's port."""
    spans: int = 0
    """Owed for each request; so are the next three."""
    logs: int = 0
    rows: int = 0
    loki: int = 0


@dataclass(frozen=True)
class Running:
    """A contestant that is up."""

    contestant: Contestant
    launch: Launch
    process: subprocess.Popen[bytes]
    errors: Path
    ready_after: float
    """Seconds from exec to the first 200 of its readiness."""


def _nginx(passing: str) -> Callable[[Rig, Path, int], Launch]:
    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        return nginx.proxy(folder, processes.free_port(), model, passing)

    return launch


def _envoy(observed: bool) -> Callable[[Rig, Path, int], Launch]:
    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        port, admin = processes.free_ports(2)
        return envoy.proxy(rig.envoy, folder, (port, admin), model, rig.grpc if observed else None)

    return launch


def _outrider(
    observe: str, *, grpc: bool = False, metrics: bool = False, loki: bool = False
) -> Callable[[Rig, Path, int], Launch]:
    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        exports = outrider.telemetry(rig.http, rig.grpc if grpc else None, metrics)
        return outrider.proxy(
            folder,
            model,
            observe,
            env=None if observe == "off" else exports,
            loki=rig.http if loki else None,
        )

    return launch


def custom(own: Custom) -> Contestant:
    """A contestant from the command line; it owes nothing but answers."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        port = own.port or processes.free_port()
        argv = shlex.split(own.command.replace("{port}", str(port)).replace("{model}", str(model)))
        return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/")

    return Contestant(own.name, own.name, launch)


NGINX = Contestant("nginx", "nginx, JSON log", _nginx(""), logs=1)
NGINX_STREAMING = Contestant("nginx", "nginx, unbuffered", _nginx(nginx.STREAMING), logs=1)
NGINX_LARGE = Contestant("nginx", "nginx, unbuffered, 64 KiB", _nginx(nginx.LARGE), logs=1)
ENVOY = Contestant("envoy", "Envoy, plain", _envoy(observed=False))
ENVOY_OBSERVED = Contestant(
    "envoy-observed", "Envoy, JSON log + OTLP spans", _envoy(observed=True), spans=2, logs=1
)
OFF = Contestant("outrider-off", "Outrider, `observe: off`", _outrider("off"))
SIGNALS = Contestant(
    "outrider-signals", "Outrider, `observe: signals`", _outrider("signals"), spans=2, logs=1
)
ALL = Contestant(
    "outrider-all", "Outrider, `observe: all`", _outrider("all"), spans=2, logs=1, rows=1
)
ALL_GRPC = Contestant(
    "outrider-all-grpc",
    "Outrider, `observe: all`, spans by gRPC",
    _outrider("all", grpc=True),
    spans=2,
    logs=1,
    rows=1,
)
ALL_LOKI = Contestant(
    "outrider-all-loki",
    "Outrider, `observe: all`, Loki too",
    _outrider("all", loki=True),
    spans=2,
    logs=1,
    rows=1,
    loki=1,
)
ALL_SINKS = Contestant(
    "outrider-all-sinks",
    "Outrider, `observe: all`, spans by gRPC, metrics by OTLP/HTTP, Loki",
    _outrider("all", grpc=True, metrics=True, loki=True),
    spans=2,
    logs=1,
    rows=1,
    loki=1,
)


def chosen(rig: Rig, field: tuple[Contestant, ...]) -> list[Contestant]:
    """Of a question's field those that were asked for, and those from the command line."""
    only = rig.settings.only
    named = [one for one in field if not only or one.name in only]
    return named + [custom(own) for own in rig.settings.custom]


@contextmanager
def running(rig: Rig, contestant: Contestant, model: int | None = None) -> Iterator[Running]:
    """The contestant on its core before the port `model` (default: the rig's upstream)."""
    folder = rig.place(contestant.name)
    errors = folder / "stderr"
    launch = contestant.launch(rig, folder, model or rig.model)
    process = processes.start(launch, rig.settings.proxy_core, errors)
    with processes.ended(process):
        after = processes.wait_ready(process, launch, errors)
        yield Running(contestant, launch, process, errors, after)
