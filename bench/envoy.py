"""Envoy as a sidecar: plain, or with a JSON access log and OTLP spans of every request.

Where its defaults would make it dearer than it need be it is given better ones: spans are sent
512 at a time, not five (`tracing.opentelemetry.min_flush_spans`), and its log is flushed in
blocks, as nginx's and Outrider's are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.processes import Launch

EXTENSIONS = "type.googleapis.com/envoy.extensions"
MANAGER = f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{EXTENSIONS}.filters.http.router.v3.Router"
FILE_LOG = f"{EXTENSIONS}.access_loggers.file.v3.FileAccessLog"
HTTP_OPTIONS = f"{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions"
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


def _address(port: int) -> Tree:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int, http2: bool = False) -> Tree:
    endpoint = {"endpoint": {"address": _address(port)}}
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


def _manager(log: Path | None, traced: bool) -> Tree:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}
    manager: Tree = {
        "@type": MANAGER,
        "stat_prefix": "in",
        "codec_type": "HTTP1",
        "stream_idle_timeout": "0s",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    if log:
        lines = {"json_format": LOG_FIELDS}
        config = {"@type": FILE_LOG, "path": str(log), "log_format": lines}
        manager["access_log"] = [{"name": "envoy.access_loggers.file", "typed_config": config}]
    if traced:
        service = {"envoy_grpc": {"cluster_name": "collector"}, "timeout": "10s"}
        tracer: Tree = {"@type": TRACER, "grpc_service": service, "service_name": "model"}
        tracer["max_cache_size"] = 8192
        manager["tracing"] = {
            "spawn_upstream_span": True,
            "random_sampling": {"value": 100},
            "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": tracer},
        }
    return manager


def proxy(
    binary: Path, folder: Path, ports: tuple[int, int], model_port: int, collector: int | None
) -> Launch:
    """Listening on the first of `ports`, its admin on the second; observed if a collector's given.

    One worker thread (`--concurrency 1`), as the others have one.
    """
    port, admin = ports
    log = folder / "access.log" if collector else None
    filters = [
        {
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": _manager(log, collector is not None),
        }
    ]
    clusters = [_cluster("model", model_port)]
    if collector:
        clusters.append(_cluster("collector", collector, http2=True))
    flush = {"min_flush_spans": 512, "flush_interval_ms": 1000}
    layer = {"name": "bench", "static_layer": {"tracing": {"opentelemetry": flush}}}
    config = {
        "node": {"id": "bench", "cluster": "bench"},
        "admin": {"address": _address(admin)},
        "layered_runtime": {"layers": [layer]},
        "static_resources": {
            "listeners": [{"address": _address(port), "filter_chains": [{"filters": filters}]}],
            "clusters": clusters,
        },
    }
    file = folder / "envoy.json"
    file.write_text(json.dumps(config, indent=1))
    argv: list[str | Path] = [binary, "-c", file, "--concurrency", "1", "--disable-hot-restart"]
    argv += ["--log-level", "error", "--file-flush-interval-msec", "1000"]
    return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{admin}/ready", log=log)
