"""Envoy as a sidecar: plain, or with any of a JSON access log, OTLP spans, and ext_proc.

Where its defaults would make it dearer than it need be it is given better ones: spans are sent
512 at a time, not five (`tracing.opentelemetry.min_flush_spans`), and its log is flushed in
blocks, as nginx's and Outrider's are.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import Launch, free_ports

EXTENSIONS = "type.googleapis.com/envoy.extensions"
MANAGER = f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{EXTENSIONS}.filters.http.router.v3.Router"
FILE_LOG = f"{EXTENSIONS}.access_loggers.file.v3.FileAccessLog"
HTTP_OPTIONS = f"{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions"
EXT_PROC = f"{EXTENSIONS}.filters.http.ext_proc.v3.ExternalProcessor"
TRACER = "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig"

LOG_FIELDS = {
    "timestamp": "%START_TIME%",
    "http.request.method": "%REQ(:METHOD)%",
    "url.path": "%REQ(:PATH)%",
    "http.response.status_code": "%RESPONSE_CODE%",
    "duration": "%DURATION%",
    "upstream": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "http.request.body.size": "%BYTES_RECEIVED%",
    "http.response.body.size": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
    "client.address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "error.type": "%RESPONSE_FLAGS%",
}

Tree = dict[str, Any]


@dataclass(frozen=True)
class Observing:
    """How much of each request Envoy tells others."""

    log: bool = False
    """A JSON line, to a file."""
    collector: int | None = None
    """The port that OTLP spans of every request go to, by gRPC."""
    program: tuple[str | Path, ...] = ()
    """Runs the ext_proc service; a socket's path and a port for its counts are added."""
    waits: bool = True
    """For the service's answers, with whole bodies; else it is sent pieces as they pass."""


def _address(port: int) -> Tree:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, address: Tree, http2: bool = False) -> Tree:
    endpoint = {"endpoint": {"address": address}}
    cluster: Tree = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "circuit_breakers": {"thresholds": [{"max_connections": 16384, "max_requests": 16384}]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if http2:
        options = {"@type": HTTP_OPTIONS, "explicit_http_config": {"http2_protocol_options": {}}}
        key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        cluster["typed_extension_protocol_options"] = {key: options}
    return cluster


def _ext_proc(waits: bool) -> Tree:
    """Both bodies, no heads: the fewest messages that show a payload."""
    bodies = "BUFFERED" if waits else "STREAMED"
    mode = dict.fromkeys(("request_header_mode", "response_header_mode"), "SKIP")
    mode |= dict.fromkeys(("request_body_mode", "response_body_mode"), bodies)
    mode |= dict.fromkeys(("request_trailer_mode", "response_trailer_mode"), "SKIP")
    config: Tree = {
        "@type": EXT_PROC,
        "grpc_service": {"envoy_grpc": {"cluster_name": "observer"}},
        "processing_mode": mode,
        "message_timeout": "5s",
    }
    if not waits:
        config["observability_mode"] = True
    return {"name": "envoy.filters.http.ext_proc", "typed_config": config}


def _tracing() -> Tree:
    service = {"envoy_grpc": {"cluster_name": "collector"}, "timeout": "10s"}
    tracer: Tree = {"@type": TRACER, "grpc_service": service, "service_name": "model"}
    tracer["max_cache_size"] = 8192
    return {
        "spawn_upstream_span": True,
        "random_sampling": {"value": 100},
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": tracer},
    }


def _manager(log: Path | None, observing: Observing) -> Tree:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}
    filters: list[Tree] = [_ext_proc(observing.waits)] if observing.program else []
    filters.append({"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}})
    manager: Tree = {
        "@type": MANAGER,
        "stat_prefix": "in",
        "codec_type": "HTTP1",
        "stream_idle_timeout": "0s",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    if log:
        lines = {"json_format": LOG_FIELDS}
        config = {"@type": FILE_LOG, "path": str(log), "log_format": lines}
        manager["access_log"] = [{"name": "envoy.access_loggers.file", "typed_config": config}]
    if observing.collector:
        manager["tracing"] = _tracing()
    return manager


def _config(port: int, admin: int, clusters: list[Tree], manager: Tree) -> Tree:
    name = "envoy.filters.network.http_connection_manager"
    filters = [{"name": name, "typed_config": manager}]
    flush = {"min_flush_spans": 512, "flush_interval_ms": 1000}
    layer = {"name": "bench", "static_layer": {"tracing": {"opentelemetry": flush}}}
    return {
        "node": {"id": "bench", "cluster": "bench"},
        "admin": {"address": _address(admin)},
        "layered_runtime": {"layers": [layer]},
        "static_resources": {
            "listeners": [{"address": _address(port), "filter_chains": [{"filters": filters}]}],
            "clusters": clusters,
        },
    }


def proxy(
    binary: Path, folder: Path, model_port: int, observing: Observing, workers: int = 1
) -> Launch:
    """With `workers` threads; the ext_proc service, if any, is a process below it."""
    port, admin, counts = free_ports(3)
    log = folder / "access.log" if observing.log else None
    clusters = [_cluster("model", _address(model_port))]
    if observing.collector:
        clusters.append(_cluster("collector", _address(observing.collector), http2=True))
    pipe = folder / "observer.sock"
    if observing.program:
        clusters.append(_cluster("observer", {"pipe": {"path": str(pipe)}}, http2=True))
    file = folder / "envoy.json"
    content = _config(port, admin, clusters, _manager(log, observing))
    file.write_text(json.dumps(content, indent=1))
    argv: list[str | Path] = [binary, "-c", file, "--concurrency", str(workers)]
    argv += ["--disable-hot-restart", "--log-level", "error"]
    argv += ["--file-flush-interval-msec", "1000"]
    ready = f"http://127.0.0.1:{admin}/ready"
    if not observing.program:
        return Launch(argv=argv, port=port, ready=ready, log=log)
    both = f"{_line(*observing.program, pipe, counts)} & exec {_line(*argv)}"
    return Launch(
        argv=["sh", "-c", both],
        port=port,
        ready=ready if not observing.waits else f"http://127.0.0.1:{port}/",
        log=log,
        rows=f"http://127.0.0.1:{counts}/",
    )


def _line(*words: object) -> str:
    return shlex.join(map(str, words))
