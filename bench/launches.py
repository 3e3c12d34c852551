"""How each contestant is started: from the rig, a folder of its own and the model server's port."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bench import environments, envoy, haproxy, nginx, outrider, processes
from bench.envoy import Observing
from bench.processes import Launch
from bench.rig import Rig

PROGRAMS = Path(__file__).parent / "programs"
Starts = Callable[[Rig, Path, int], Launch]


def straight(rig: Rig, folder: Path, model: int) -> Launch:
    """Straight to the model server; a process is started that does nothing."""
    return Launch(argv=["sleep", "infinity"], port=model, ready=f"http://127.0.0.1:{model}/")


def by_nginx(passing: str = "", workers: int = 1) -> Starts:
    """`passing`: how bodies are passed on (`nginx.STREAMING`, `LARGE`)."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        return nginx.proxy(folder, processes.free_port(), model, passing, workers)

    return launch


def by_haproxy(rig: Rig, folder: Path, model: int) -> Launch:
    """With its JSON log."""
    return haproxy.proxy(folder, processes.free_port(), model)


def by_envoy(*, log: bool = False, traced: bool = False, workers: int = 1) -> Starts:
    """Its JSON log and its spans, each if asked."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        observing = Observing(log=log, collector=rig.grpc if traced else None)
        return envoy.proxy(rig.envoy, folder, model, observing, workers)

    return launch


def by_ext_proc(waits: bool) -> Starts:
    """Envoy, and a Python program that it shows both bodies."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        program = (environments.python("ext_proc"), PROGRAMS / "body_observer.py")
        return envoy.proxy(rig.envoy, folder, model, Observing(program=program, waits=waits))

    return launch


def by_mitmproxy(rig: Rig, folder: Path, model: int) -> Launch:
    """As a reverse proxy that prints and keeps nothing."""
    port = processes.free_port()
    program = environments.python("mitmproxy").with_name("mitmdump")
    argv: list[str | Path] = [program, "--quiet", "--mode", f"reverse:http://127.0.0.1:{model}"]
    argv += ["--listen-host", "127.0.0.1", "--listen-port", str(port)]
    argv += ["--set", f"confdir={folder}", "--set", "keep_host_header=true"]
    return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/")


def by_aiohttp(rig: Rig, folder: Path, model: int) -> Launch:
    """`programs/aiohttp_proxy.py`, with this Python."""
    port = processes.free_port()
    argv = [sys.executable, PROGRAMS / "aiohttp_proxy.py", str(port), str(model)]
    return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/")


def by_outrider(
    observe: str,
    *,
    grpc: bool = False,
    metrics: bool = False,
    loki: bool = False,
    workers: int = 1,
) -> Starts:
    """Its spans by OTLP/HTTP or `grpc`; with OTLP metrics and Loki's push if asked."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        exports = outrider.telemetry(rig.http, rig.grpc if grpc else None, metrics)
        return outrider.proxy(
            folder,
            model,
            observe,
            env=None if observe == "off" else exports,
            loki=rig.http if loki else None,
            workers=workers,
        )

    return launch


def by_server(instrumented: str) -> Starts:
    """A model server itself: the model's port is not used."""

    def launch(rig: Rig, folder: Path, model: int) -> Launch:
        port, log = processes.free_port(), folder / "requests.log"
        argv: list[str | Path] = [environments.python("server"), "-m", "uvicorn"]
        argv += ["--factory", "model_server:create", "--app-dir", PROGRAMS]
        argv += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        argv += ["--loop", "uvloop", "--http", "httptools", "--timeout-keep-alive", "3600"]
        queue = {"OTEL_BSP_MAX_QUEUE_SIZE": "262144", "OTEL_BSP_SCHEDULE_DELAY": "1000"}
        exports = outrider.telemetry(rig.http, None, metrics=False) | queue
        return Launch(
            argv=argv,
            port=port,
            ready=f"http://127.0.0.1:{port}/ready",
            env={"BENCH_INSTRUMENTED": instrumented} | exports,
            stdout=log,
            log=log if instrumented else None,
        )

    return launch
