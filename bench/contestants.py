"""Who is measured, by name, and what each owes for a request that it served."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import environments, launches, nginx, processes
from bench.launches import Starts
from bench.processes import BenchError, Launch
from bench.rig import Rig, say
from bench.settings import Custom


@dataclass(frozen=True)
class Contestant:
    """A proxy in one configuration."""

    name: str
    title: str
    launch: Starts
    spans: int = 0
    """Owed for each request; so are the next three."""
    logs: int = 0
    rows: int = 0
    loki: int = 0
    environment: str | None = None
    """Of the name's own packages: `bench/constraints/NAME.txt`."""
    learns: bool = False
    """A reference, from its first rows."""
    workers: int = 1
    """Which may have a core each, where there are so many."""


@dataclass(frozen=True)
class Running:
    """A contestant that is up."""

    contestant: Contestant
    launch: Launch
    process: subprocess.Popen[bytes]
    errors: Path
    ready_after: float
    """Seconds from exec to the first 200 of its readiness."""


def custom(own: Custom) -> Contestant:
    """A contestant from the command line; it owes nothing but answers."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        port = own.port or processes.free_port()
        argv = shlex.split(own.command.replace("{port}", str(port)).replace("{model}", str(model)))
        ready = f"http://127.0.0.1:{port}/"
        # It may run under valgrind, which takes a minute to begin and seconds to write what it saw.
        return Launch(argv=argv, port=port, ready=ready, patience=180.0, grace=60.0)

    return Contestant(own.name, own.name, launch)


NONE = Contestant("none", "no proxy", launches.straight)
NGINX = Contestant("nginx", "nginx, JSON log", launches.by_nginx(), logs=1)
NGINX_STREAMING = Contestant(
    "nginx", "nginx, unbuffered", launches.by_nginx(nginx.STREAMING), logs=1
)
NGINX_LARGE = Contestant(
    "nginx", "nginx, unbuffered, 64 KiB", launches.by_nginx(nginx.LARGE), logs=1
)
HAPROXY = Contestant("haproxy", "HAProxy, JSON log", launches.by_haproxy, logs=1)
ENVOY = Contestant("envoy", "Envoy, plain", launches.by_envoy())
ENVOY_LOG = Contestant("envoy-log", "Envoy, JSON log", launches.by_envoy(log=True), logs=1)
ENVOY_OBSERVED = Contestant(
    "envoy-observed",
    "Envoy, JSON log + OTLP spans",
    launches.by_envoy(log=True, traced=True),
    spans=2,
    logs=1,
)
ENVOY_BODIES = Contestant(
    "envoy-ext-proc",
    "Envoy, ext_proc to Python",
    launches.by_ext_proc(waits=True),
    rows=1,
    environment="ext_proc",
)
ENVOY_WATCHED = Contestant(
    "envoy-ext-proc-send",
    "Envoy, ext_proc to Python, not awaited",
    launches.by_ext_proc(waits=False),
    rows=1,
    environment="ext_proc",
)
MITMPROXY = Contestant("mitmproxy", "mitmproxy", launches.by_mitmproxy, environment="mitmproxy")
AIOHTTP = Contestant("aiohttp", "aiohttp proxy", launches.by_aiohttp)
SERVER = Contestant("server", "FastAPI, bare", launches.by_server(""), environment="server")
SERVER_LEAN = Contestant(
    "server-lean",
    "FastAPI, instrumented, one span a request",
    launches.by_server("lean"),
    spans=1,
    logs=1,
    environment="server",
)
SERVER_DEFAULT = Contestant(
    "server-instrumented",
    "FastAPI, instrumented",
    launches.by_server("default"),
    spans=5,
    logs=1,
    environment="server",
)
OFF = Contestant("outrider-off", "Outrider, `observe: off`", launches.by_outrider("off"))
SIGNALS = Contestant(
    "outrider-signals",
    "Outrider, `observe: signals`",
    launches.by_outrider("signals"),
    spans=2,
    logs=1,
)
ALL = Contestant(
    "outrider-all",
    "Outrider, `observe: all`",
    launches.by_outrider("all"),
    spans=2,
    logs=1,
    rows=1,
    learns=True,
)
ALL_GRPC = Contestant(
    "outrider-all-grpc",
    "Outrider, `observe: all`, spans by gRPC",
    launches.by_outrider("all", grpc=True),
    spans=2,
    logs=1,
    rows=1,
    learns=True,
)
ALL_LOKI = Contestant(
    "outrider-all-loki",
    "Outrider, `observe: all`, Loki too",
    launches.by_outrider("all", loki=True),
    spans=2,
    logs=1,
    rows=1,
    loki=1,
    learns=True,
)
ALL_SINKS = Contestant(
    "outrider-all-sinks",
    "Outrider, `observe: all`, spans by gRPC, metrics by OTLP/HTTP, Loki",
    launches.by_outrider("all", grpc=True, metrics=True, loki=True),
    spans=2,
    logs=1,
    rows=1,
    loki=1,
    learns=True,
)


def chosen(rig: Rig, field: tuple[Contestant, ...]) -> list[Contestant]:
    """Of a question's field those that were asked for, and those from the command line."""
    only = rig.settings.only
    named = [one for one in field if (not only or one.name in only) and _installed(one)]
    return named + [custom(own) for own in rig.settings.custom]


def _installed(contestant: Contestant) -> bool:
    """Whether its environment is there or could be made: without one of many the others go on."""
    try:
        if contestant.environment:
            environments.python(contestant.environment)
    except BenchError as error:
        say(f"left out: {contestant.name}: {error}")
        return False
    return True


def versions(field: Iterable[Contestant]) -> dict[str, str]:
    """What the environments of a field's contestants hold, by package."""
    found: dict[str, str] = {}
    for name in sorted({one.environment for one in field if one.environment}):
        found |= environments.versions(name)
    return found


def with_workers(contestant: Contestant, workers: int) -> Contestant:
    """The same of nginx, Envoy or Outrider with so many workers (`WORKERS`)."""
    if workers == 1:
        return contestant
    title = f"{contestant.title}, {workers} workers"
    launch = WORKERS[contestant.name](workers)
    name = f"{contestant.name}-{workers}"
    return replace(contestant, name=name, title=title, launch=launch, workers=workers)


WORKERS: dict[str, Callable[[int], Starts]] = {
    NGINX.name: lambda count: launches.by_nginx(workers=count),
    ENVOY.name: lambda count: launches.by_envoy(workers=count),
    OFF.name: lambda count: launches.by_outrider("off", workers=count),
    ALL.name: lambda count: launches.by_outrider("all", workers=count),
}


STANDING = (
    NGINX,
    HAPROXY,
    ENVOY,
    ENVOY_OBSERVED,
    AIOHTTP,
    MITMPROXY,
    OFF,
    SIGNALS,
    ALL,
    ALL_LOKI,
    ALL_SINKS,
)
"""All that differ in what they are at rest."""


@contextmanager
def running(rig: Rig, contestant: Contestant, model: int | None = None) -> Iterator[Running]:
    """The contestant on its cores before the port `model` (default: the rig's upstream)."""
    folder = rig.place(contestant.name)
    errors = folder / "stderr"
    launch = contestant.launch(rig, folder, model or rig.model)
    cores = rig.settings.cores(contestant.workers)
    process = processes.start(launch, cores, errors)
    with processes.ended(process, launch.grace):
        after = processes.wait_ready(process, launch, errors)
        yield Running(contestant, launch, process, errors, after)
