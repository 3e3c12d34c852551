"""Outrider in its three states of observation, set up as a user would."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from bench.processes import BenchError, Launch, free_ports


def command() -> Path:
    """The `outrider` beside this Python, or on the path. Raises BenchError if there is none."""
    beside = Path(sys.executable).with_name("outrider")
    found = str(beside) if beside.exists() else shutil.which("outrider")
    if not found:
        raise BenchError("outrider is not installed here: run `make bench`, or `pip install -e .`")
    return Path(found)


def telemetry(http: int, grpc: int | None, metrics: bool) -> dict[str, str]:
    """The standard variables: spans by OTLP/HTTP, or by gRPC if `grpc` is given."""
    traces = f"http://127.0.0.1:{grpc}" if grpc else f"http://127.0.0.1:{http}/v1/traces"
    return {
        "OTEL_SERVICE_NAME": "model",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": traces,
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc" if grpc else "http/protobuf",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
        "OTEL_METRICS_EXPORTER": "otlp" if metrics else "none",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{http}/v1/metrics",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "none",
    }


def proxy(
    folder: Path,
    model_port: int,
    observe: str,
    *,
    env: dict[str, str] | None = None,
    loki: int | None = None,
    workers: int = 1,
    drift: dict[str, Any] | None = None,
) -> Launch:
    """Outrider with `observe: off`, `signals` or `all`; the rest of its settings are defaults.

    `env` is `telemetry(...)`; `loki` the port that log lines are pushed to as well; `drift` that
    section of the settings.
    """
    port, admin, health = free_ports(3)
    config: dict[str, Any] = {
        "upstream": f"http://127.0.0.1:{model_port}",
        "listen": f"127.0.0.1:{port}",
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "health": f"127.0.0.1:{health}",
        "observe": observe,
        "workers": workers,
        "drain": {"delay": "0s", "grace": "1s", "flush": "1s"},
    }
    if drift:
        config["drift"] = drift
    if loki:
        url = f"http://127.0.0.1:{loki}/loki/api/v1/push"
        config["sinks"] = {"loki": {"type": "loki", "url": url}}
    file = folder / "outrider.yaml"
    file.write_text(json.dumps(config, indent=1))
    log = folder / "stdout.log"
    return Launch(
        argv=[command(), "run", "--config", file],
        port=port,
        ready=f"http://127.0.0.1:{health}/readyz",
        env=env,
        stdout=log,
        log=None if observe == "off" else log,
        metrics=f"http://127.0.0.1:{admin}/metrics",
    )
