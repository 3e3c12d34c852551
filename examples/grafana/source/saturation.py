"""How full the model server is, and the sidecar before it."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import ORANGE, RED, timeseries_panel
from examples.grafana.source.promql import PODS, rate

SERVER = "outrider_load_server_"
"""What the model server says of itself, where `scrape.url` says where."""
REQUESTS = f'{PODS},model=~"$model",http_route=~"$route"'


def load() -> list[Builder[Panel]]:
    """Of the model server, as the sidecar sees it, and of the sidecar's own bounds."""
    return [
        timeseries_panel(
            "Load and limit",
            "Concurrency: the mean number of requests at the model server over a minute (Little's "
            "law). Limit: where more at once brought no more throughput; absent until that was "
            "seen. At the limit requests wait: add pods or make batches. docs/load.md.",
            {
                "concurrency": f"sum(outrider_load_concurrency{{{PODS}}})",
                "limit": f"sum(outrider_load_concurrency_limit{{{PODS}}})",
                "running, as the server says": f"sum({SERVER}running_requests{{{PODS}}})",
            },
            "short",
            width=6,
        ),
        timeseries_panel(
            "Saturation by pod",
            "Concurrency by its limit. Above 1 requests wait in a queue of the model server.",
            {"{{instance}}": f"outrider_load_saturation_ratio{{{PODS}}}"},
            "percentunit",
            width=6,
            steps={0.8: ORANGE, 1: RED},
        ),
        timeseries_panel(
            "Queue",
            "Requests at the model server above its limit, which wait there; and those that wait "
            "as it says itself, where its own metrics are read (scrape.url): believe these.",
            {
                "above the limit {{instance}}": f"outrider_load_queue_requests{{{PODS}}}",
                "as {{instance}} says": f"{SERVER}queue_requests{{{PODS}}}",
            },
            "short",
            width=6,
        ),
        timeseries_panel(
            "Predictions",
            "Rows a second of decoded answers: what is served, whatever the size of requests.",
            {
                "{{model}}": rate("outrider_load_rows_total", f'{PODS},model=~"$model"', "model"),
            },
            "rowsps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "In flight by model",
            "Requests being served. Little's law: rate × mean latency. If it stands at one "
            "number, that is the model server's concurrency, and requests wait.",
            {"{{model}}": f"sum by (model) (http_server_active_requests{{{REQUESTS}}})"},
            "short",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Client connections",
            "Open ones, of limits.connections. Those refused are beyond it.",
            {
                "open": f"sum(outrider_client_connections{{{PODS}}})",
                "refused a second": rate("outrider_client_connections_refused_total", PODS),
            },
            "short",
            width=6,
        ),
        timeseries_panel(
            "Memory for captured bodies",
            "Of capture.budget (16 MiB a worker). When it is full, bodies are not looked at; "
            "requests pass as ever.",
            {"{{instance}}": f"outrider_capture_budget_used_bytes{{{PODS}}}"},
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "KV cache",
            "How full the model server says its cache is. At 1 a server of language models takes "
            "no more requests, or begins some anew.",
            {"{{instance}}": f"{SERVER}kv_cache_usage_ratio{{{PODS}}}"},
            "percentunit",
            width=6,
            most=1,
            steps={0.9: ORANGE},
        ),
    ]
