"""Every metric that is made from the ledger and the sinks, each declared once.

Rule: name, type, labels, unit, help and OpenTelemetry name come from here and from nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client.metrics_core import Metric


class Spec(NamedTuple):
    """One metric family, by its Prometheus name (a counter's without `_total`)."""

    name: str
    kind: str
    """"counter", "gauge" or "histogram"."""
    help: str
    labels: tuple[str, ...] = ()
    otel: str = ""
    """Name in OpenTelemetry's form; empty where it is the same."""

    @property
    def unit(self) -> str:
        """Prometheus' base unit, if the name ends with one."""
        last = self.name.rpartition("_")[2]
        return last if last in ("seconds", "bytes") else ""

    def family(self) -> Metric:
        """An empty family to add samples to."""
        return Metric(self.name, self.help, self.kind, self.unit)


ROUTE = ("http_route",)
ROUTE_MODEL = ("http_route", "model")

DURATION = Spec(
    "http_server_request_duration_seconds",
    "histogram",
    "Request head received to last byte of the response sent, or given up.",
    (
        "http_request_method",
        "http_route",
        "http_response_status_code",
        "error_type",
        "model",
    ),
    "http.server.request.duration",
)
ACTIVE = Spec(
    "http_server_active_requests",
    "gauge",
    "Requests being served.",
    ROUTE_MODEL,
    "http.server.active_requests",
)
REQUEST_SIZE = Spec(
    "http_server_request_body_size_bytes",
    "histogram",
    "Size of request bodies, as transferred.",
    ROUTE_MODEL,
    "http.server.request.body.size",
)
RESPONSE_SIZE = Spec(
    "http_server_response_body_size_bytes",
    "histogram",
    "Size of response bodies, as transferred.",
    ROUTE_MODEL,
    "http.server.response.body.size",
)
CONNECT = Spec(
    "outrider_upstream_connect_seconds",
    "histogram",
    "Time to open a connection to the model server.",
    ROUTE,
)
UPSTREAM = Spec(
    "outrider_upstream_duration_seconds",
    "histogram",
    "Request sent to first byte of the model server's response.",
    ROUTE,
)
STREAM = Spec(
    "outrider_response_stream_seconds", "histogram", "First to last byte of the response.", ROUTE
)
FIRST_EVENT = Spec(
    "outrider_stream_first_event_seconds",
    "histogram",
    "Of answers that come event by event: request sent to first byte of the first event.",
    ROUTE_MODEL,
)
GAP = Spec(
    "outrider_stream_gap_seconds",
    "histogram",
    "Longest wait for the model server between two reads of each such answer.",
    ROUTE_MODEL,
)
STALLS = Spec(
    "outrider_stream_stalls",
    "counter",
    "Such answers with a wait of more than streams.stall.",
    ROUTE_MODEL,
)
ABORTED = Spec(
    "outrider_stream_aborted",
    "counter",
    "Such answers that somebody ended before their end.",
    ("by", *ROUTE_MODEL),
)
OVERHEAD = Spec(
    "outrider_overhead_seconds",
    "histogram",
    "Time added by the sidecar itself, without waiting for model or client.",
    ROUTE,
)
FAILED = Spec(
    "outrider_requests_failed",
    "counter",
    "Requests that failed other than by the model's own answer.",
    ("reason", *ROUTE_MODEL),
)
UNSEEN = Spec(
    "outrider_rows_unseen",
    "counter",
    "Requests whose payload was not looked at.",
    ("reason",),
)
RECORDS = Spec(
    "outrider_records", "counter", "Exchange records, by the stage that they reached.", ("stage",)
)
RECORDS_DROPPED = Spec(
    "outrider_records_dropped",
    "counter",
    "Exchange records lost; the request counts do not suffer from it.",
    ("stage", "reason"),
)
SHED = Spec(
    "outrider_shed_level",
    "gauge",
    "What overload has put aside: 0 nothing, 1 sketches, 2 payload logs, 3 logs, 4 spans.",
)
GENERATION = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", *ROUTE)
FIRST_TOKEN = Spec(
    "gen_ai_server_time_to_first_token_seconds",
    "histogram",
    "Of sampled streams of language models: request sent to first byte of the first event.",
    GENERATION,
    "gen_ai.server.time_to_first_token",
)
OUTPUT_TOKEN = Spec(
    "gen_ai_server_time_per_output_token_seconds",
    "histogram",
    "Of sampled streams that came whole: time after the first event by tokens after the first.",
    GENERATION,
    "gen_ai.server.time_per_output_token",
)
TOKENS = Spec(
    "gen_ai_client_token_usage",
    "histogram",
    "Tokens of each sampled request and its answer, as the model server counts them.",
    ("gen_ai_token_type", *GENERATION),
    "gen_ai.client.token.usage",
)
TRUNCATED = Spec(
    "outrider_stream_truncated",
    "counter",
    "Sampled streams without the end mark of their API, though nobody aborted them.",
    ROUTE_MODEL,
)
CONNECTIONS = Spec("outrider_client_connections", "gauge", "Client connections open.")
REFUSED = Spec(
    "outrider_client_connections_refused",
    "counter",
    "Client connections refused because of limits.connections.",
)
CAPTURE = Spec(
    "outrider_capture_budget_used_bytes", "gauge", "Bytes of capture.budget in use by all workers."
)
UPSTREAM_UP = Spec(
    "outrider_upstream_up", "gauge", "1 if every worker's last try reached the model server."
)
RESTARTS = Spec(
    "outrider_process_restarts",
    "counter",
    "Times that the supervisor started a process again.",
    ("process",),
)
BUILD = Spec("outrider_build_info", "gauge", "Always 1.", ("version",))

SINK_RECORDS = Spec(
    "outrider_sink_records",
    "counter",
    "Spans or lines by what became of them; retried counts tries.",
    ("sink", "outcome"),
)
SPOOL_RECORDS = Spec(
    "outrider_spool_records", "gauge", "Spans or lines waiting to be sent.", ("sink",)
)
SPOOL_BYTES = Spec("outrider_spool_bytes", "gauge", "Bytes waiting to be sent.", ("sink",))
SPOOL_OLDEST = Spec(
    "outrider_spool_oldest_seconds", "gauge", "Age of the oldest one waiting; 0 if none.", ("sink",)
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
BY_NAME = {spec.name: spec for spec in ALL}
