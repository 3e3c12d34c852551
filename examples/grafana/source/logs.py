"""Panels of log lines, by Loki. A line's fields: docs of the log record in README.md."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import log_lines_panel, logs_panel

STREAM = '{service_name=~"$service"'
SLOW = 1000
"""Milliseconds."""


def requests() -> list[Builder[Panel]]:
    """Lines of requests."""
    return [
        log_lines_panel(
            "Lines by level",
            "Log lines of requests: error is a 5xx or a failure of ours, warning a 4xx.",
            {"{{level}}": f"sum by (level) (count_over_time({STREAM}}}[$__interval]))"},
            "short",
        ),
        log_lines_panel(
            "Slow requests",
            "Lines of requests that took more than a second, by route.",
            {
                "{{http_route}}": f"sum by (http_route) (count_over_time({STREAM}}} | json "
                f"| duration_ms > {SLOW} [$__interval]))"
            },
            "short",
        ),
        logs_panel(
            "Errors and warnings",
            "Open a line for its request id and phases, and follow its trace_id to the trace.",
            f'{STREAM},level=~"warning|error"}} | json | http_route=~"$route"',
        ),
    ]


def drift() -> list[Builder[Panel]]:
    """Lines of alarms."""
    return [
        logs_panel(
            "Alarms",
            "What the sidecars said when a column began to drift or was stable again, with the "
            "ids of example requests: /api/v1/exchanges has them, if they are kept.",
            f'{STREAM},model=~"$model"}} | json | after != ""',
            height=8,
        ),
    ]
