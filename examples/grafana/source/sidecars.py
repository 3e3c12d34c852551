"""Outrider itself: what it costs, and whether anything is lost on its way."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import ORANGE, RED, timeseries_panel
from examples.grafana.source.promql import PODS, quantile, rate
from examples.grafana.source.tables import Field, table_panel

READ = 'instance=~"$instance"'
"""Not by job: these metrics have the label themselves, that of the model server."""

Panels = list[Builder[Panel]]


def itself() -> Panels:
    """Cost, load and loss."""
    return [
        table_panel(
            "Versions running",
            "Pods by version of Outrider.",
            {"version": "Version"},
            [Field("Pods", f"count by (version) (outrider_build_info{{{PODS}}})")],
            width=6,
            height=8,
        ),
        timeseries_panel(
            "CPU of the observer",
            "Cores used by the process that decodes and judges. The proxy has its own: see the "
            "overhead.",
            {"{{instance}}": rate("process_cpu_seconds_total", PODS, "instance")},
            "short",
            width=6,
        ),
        timeseries_panel(
            "Memory of the observer",
            "Resident. It is bounded; what grows for days is a fault worth reporting.",
            {"{{instance}}": f"process_resident_memory_bytes{{{PODS}}}"},
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "Overhead p99 by pod",
            "What a sidecar adds to a request. One pod alone: its core is busy with others.",
            {"{{instance}}": quantile(0.99, "outrider_overhead_seconds", PODS, "instance")},
            "s",
            width=6,
            steps={0.001: ORANGE},
        ),
        timeseries_panel(
            "What overload has put aside",
            "0 nothing, 1 sketches, 2 payload logs, 3 logs, 4 spans. Counts never. If it stays "
            "up, lower capture.sample_ratio or give the observer more CPU: runbook "
            "OutriderRecordsShed.",
            {"{{instance}}": f"outrider_shed_level{{{PODS}}}"},
            "short",
            width=6,
            most=4,
            steps={1: ORANGE, 3: RED},
        ),
        timeseries_panel(
            "Records dropped",
            "A second, by stage and reason. Worker full: the observer is behind. Observer "
            "failed: a fault of ours, its log says which.",
            {"{{stage}} {{reason}}": rate("outrider_records_dropped_total", PODS, "stage, reason")},
            "recps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Records by stage",
            "Exchanges a second that were observed, handed over, received and finished: the four "
            "lines are one if nothing is lost.",
            {"{{stage}}": rate("outrider_records_total", PODS, "stage")},
            "recps",
            width=6,
        ),
        timeseries_panel(
            "Payloads not looked at",
            "A second: not sampled (capture.sample_ratio), or no memory for a copy "
            "(capture.budget).",
            {"{{reason}}": rate("outrider_rows_unseen_total", PODS, "reason")},
            "reqps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Restarts",
            "Processes that the supervisor started again within five minutes. Traffic goes on. "
            "Runbook OutriderRestarting.",
            {
                "{{process}} {{instance}}": "sum by (process, instance) "
                f"(increase(outrider_process_restarts_total{{{PODS}}}[5m]))"
            },
            "short",
            width=6,
            steps={1: RED},
        ),
        timeseries_panel(
            "References refused",
            "References that cannot be used; /api/v1/drift says why. Nothing is judged by them.",
            {"{{instance}}": f"outrider_reference_refused{{{PODS}}}"},
            "short",
            width=6,
            steps={1: RED},
        ),
        timeseries_panel(
            "Redactions",
            "Personal data that was hidden, a second, by rule: docs/privacy.md.",
            {"{{rule}}": rate("outrider_redactions_total", PODS, "rule")},
            "short",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Images",
            "Images a second by whether they were measured; over_budget and too_large are not.",
            {"{{outcome}}": rate("outrider_images_total", PODS, "outcome")},
            "short",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Model server's own metrics",
            "Share of the sidecars that read them the last time, where scrape.url says where. "
            "Below 1: /api/v1/status says why.",
            {"read": f"avg(outrider_scrape_up{{{READ}}})"},
            "percentunit",
            width=6,
            most=1,
        ),
        timeseries_panel(
            "Their samples left out",
            "A second, by reason: `series` is scrape.max_series; `scrape.keep` chooses what is "
            "worth it.",
            {"{{reason}}": rate("outrider_scrape_dropped_total", READ, "reason")},
            "short",
            width=6,
            stacked=True,
        ),
    ]


def sinks() -> Panels:
    """The way out, of spans and lines."""
    lost = 'outcome=~"rejected|dropped_full|dropped_stop|failed"'
    return [
        timeseries_panel(
            "Sent",
            "Spans and lines a second that a sink took.",
            {"{{sink}}": rate("outrider_sink_records_total", f'{PODS},outcome="sent"', "sink")},
            "recps",
            width=6,
        ),
        timeseries_panel(
            "Not sent",
            "Spans and lines a second that a sink refused or that had no place, and tries that "
            "were repeated. Runbook OutriderSinkFailing.",
            {
                "{{sink}} {{outcome}}": rate(
                    "outrider_sink_records_total", f"{PODS},{lost}", "sink, outcome"
                ),
                "{{sink}} retried": rate(
                    "outrider_sink_records_total", f'{PODS},outcome="retried"', "sink"
                ),
            },
            "recps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Waiting",
            "Bytes that wait to be sent, by sink. At the sink's `queue` the oldest are dropped.",
            {"{{sink}} {{instance}}": f"outrider_spool_bytes{{{PODS}}}"},
            "bytes",
            width=6,
        ),
        timeseries_panel(
            "Age of the oldest that waits",
            "If it rises, the sink does not take what it is sent: look whether it is up.",
            {"{{sink}}": f"max by (sink) (outrider_spool_oldest_seconds{{{PODS}}})"},
            "s",
            width=6,
            steps={60: ORANGE, 300: RED},
        ),
    ]


def alerts() -> Panels:
    """Where the settings name a destination: docs/alerts.md."""
    return [
        timeseries_panel(
            "Firing",
            "By name, over all pods. Each has a runbook of its name in docs/runbooks.",
            {
                "{{severity}} {{alertname}}": "sum by (severity, alertname) "
                f"(outrider_alerts_firing{{{PODS}}})"
            },
            "short",
            width=12,
        ),
        timeseries_panel(
            "Messages",
            "In five minutes, by destination and by what became of them. Those rejected or failed "
            "told nobody: /api/v1/status has the destination's last error.",
            {
                "{{destination}} {{outcome}}": "sum by (destination, outcome) "
                f"(increase(outrider_alerts_sent_total{{{PODS}}}[5m]))"
            },
            "short",
            width=12,
        ),
    ]
