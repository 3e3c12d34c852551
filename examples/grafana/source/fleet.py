"""All sidecars together: the drift of the fleet, its worst pods, and Outrider itself."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from examples.grafana.source import sidecars, variables
from examples.grafana.source.board import Row, alerts, board, detail, drift, restarts
from examples.grafana.source.parts import ORANGE, RED, stat_panel, timeseries_panel
from examples.grafana.source.promql import PODS, psi, quantile, rate
from examples.grafana.source.tables import Field, table_panel

COLUMNS = f'{PODS},model=~"$model",side=~"$side",column=~"$column"'
BY = "model, side, column, reference"
"""Counts of these add up over pods."""
DURATION = "http_server_request_duration_seconds"
COUNT = f"{DURATION}_count"
REQUESTS = f'{PODS},model=~"$model"'

Panels = list[Builder[Panel]]


def made() -> Dashboard:
    """The dashboard."""
    return board(
        "outrider-fleet",
        "Outrider / Fleet",
        "All pods of a model together: its drift over the summed counts of all sidecars, which "
        "pods and columns are worst, and whether the sidecars themselves are well.",
        [
            *variables.common(),
            variables.several(
                "model",
                "Model",
                "As the payload or the path names it.",
                f"label_values(outrider_column_values_total{{{PODS}}}, model)",
            ),
            variables.several(
                "side",
                "Side",
                "Inputs or outputs.",
                f"label_values(outrider_column_values_total{{{PODS}}}, side)",
            ),
            variables.several(
                "column",
                "Columns",
                "Inputs and outputs.",
                f'label_values(outrider_column_values_total{{{PODS},model=~"$model"}}, column)',
            ),
            variables.window(),
            variables.runbooks(),
        ],
        [alerts(), drift(), restarts()],
        [
            Row("The fleet", _now()),
            Row("Drift of the fleet", _drift()),
            Row("Pods side by side", _pods()),
            Row("Outrider itself", sidecars.itself()),
            Row("Sinks", sidecars.sinks()),
            Row("Alerts that sidecars send themselves", sidecars.alerts(), is_closed=True),
        ],
    )


def _now() -> Panels:
    alive = f"outrider_build_info{{{PODS}}}"
    lost = rate("outrider_records_dropped_total", PODS)
    return [
        stat_panel(
            "Pods",
            "Sidecars that Prometheus reaches. Fewer than there are pods: look at the targets of "
            "Prometheus.",
            f"count({alive})",
            "short",
            width=3,
        ),
        stat_panel(
            "Out of reach",
            "Scrape targets of the job that do not answer. Runbook OutriderRestarting.",
            'count(up{job=~"$job",instance=~"$instance"} == 0) or vector(0)',
            "short",
            width=3,
            steps={1: RED},
        ),
        stat_panel(
            "Versions of Outrider",
            "More than one: a rollout is under way, or has stopped.",
            f"count(count by (version) ({alive}))",
            "short",
            width=3,
            steps={2: ORANGE},
        ),
        stat_panel(
            "References",
            "Different ones in use, over all models. Only counts of the same one add up: give "
            "all pods of a model one, by drift.reference or PUT /api/v1/reference.",
            f"count(count by (model, reference) (outrider_column_values_total{{{COLUMNS}}}))",
            "short",
            width=3,
        ),
        stat_panel(
            "Columns that drift somewhere",
            "Columns that at least one sidecar says drift.",
            "count(max by (model, version, side, column) "
            f"(outrider_drift_detected{{{COLUMNS}}}) == 1) or vector(0)",
            "short",
            width=3,
            steps={1: RED},
        ),
        stat_panel(
            "Model servers out of reach",
            "Pods whose sidecar cannot reach its model server.",
            f"count(outrider_upstream_up{{{PODS}}} == 0) or vector(0)",
            "short",
            width=3,
            steps={1: RED},
        ),
        stat_panel(
            "Restarts in this range",
            "Processes of sidecars that were started again in this range. Runbook "
            "OutriderRestarting.",
            f"sum(increase(outrider_process_restarts_total{{{PODS}}}[$__range]))",
            "short",
            width=3,
            steps={1: ORANGE},
            decimals=0,
            is_instant=True,
        ),
        stat_panel(
            "Records dropped a second",
            "A second, over all pods. Counts of requests do not suffer from it, details do. "
            "Runbook OutriderRecordsShed.",
            lost,
            "recps",
            width=3,
            steps={0.001: ORANGE},
        ),
    ]


def _drift() -> Panels:
    index = psi(BY, COLUMNS, "$window")
    rows = f"sum by ({BY}) (increase(outrider_column_values_total{{{COLUMNS}}}[$window]))"
    detected = f"outrider_drift_detected{{{COLUMNS}}}"
    by_pod = (
        "count by (model, version, reference, instance) "
        f"(outrider_column_values_total{{{COLUMNS}}})"
    )
    labels = {"column": "Column", "side": "Side", "model": "Model", "reference": "Reference"}
    address = f"{detail()}&var-model=${{__data.fields.Model:percentencode}}"
    return [
        timeseries_panel(
            "Worst columns of the fleet, by PSI",
            "Population stability index of the counts of all pods together, over the window "
            "chosen above. Each sidecar sees a part; this is all. From 0.25 on it is drift by the "
            "old rule.",
            {"{{model}} {{side}} {{column}}": f"topk(10, {index})"},
            "short",
            width=12,
            steps={0.1: ORANGE, 0.25: RED},
        ),
        table_panel(
            "Columns of the fleet",
            "The same now, with the rows that it is made of: below a thousand it says little. "
            "Click a column to see its bins.",
            labels,
            [
                Field("PSI", index, steps={0.1: ORANGE, 0.25: RED}),
                Field("Rows", rows),
            ],
            width=12,
            height=8,
            links={"Column": ("Its bins", address)},
        ),
        table_panel(
            "Worst pods and columns, by PSI",
            "Each pod alone against the reference. One pod that differs from the others has "
            "other traffic, another model file or another preprocessing.",
            {"instance": "Pod", **labels},
            [
                Field(
                    "PSI",
                    f"topk(50, {psi(f'instance, {BY}', COLUMNS, '$window')})",
                    steps={0.1: ORANGE, 0.25: RED},
                )
            ],
            width=12,
            height=8,
        ),
        timeseries_panel(
            "Drifting columns by pod",
            "By each sidecar's own verdicts.",
            {"{{instance}}": f"sum by (instance) ({detected})"},
            "short",
            width=6,
        ),
        table_panel(
            "References by pods",
            "Which reference how many pods judge by. One model and version with two of them: "
            "their counts are summed apart.",
            {"model": "Model", "version": "Version", "reference": "Reference"},
            [Field("Pods", f"count by (model, version, reference) ({by_pod})")],
            width=6,
            height=8,
        ),
    ]


def _pods() -> Panels:
    failed = rate(COUNT, f'{REQUESTS},http_response_status_code=~"5.."', "instance")
    every = rate(COUNT, REQUESTS, "instance")
    return [
        timeseries_panel(
            "Requests by pod",
            "Requests a second. Pods that get much more than others: look at the balancer.",
            {"{{instance}}": every},
            "reqps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Server errors by pod",
            "Share of requests answered with 5xx. One pod alone: restart it; all: the release.",
            {"{{instance}}": f"({failed} or 0 * {every}) / {every}"},
            "percentunit",
            width=6,
            steps={0.01: RED},
        ),
        timeseries_panel(
            "p99 by pod",
            "One slow pod is a slow node, or one whose caches are cold.",
            {"{{instance}}": quantile(0.99, DURATION, REQUESTS, "instance")},
            "s",
            width=6,
            exemplars=True,
        ),
        timeseries_panel(
            "In flight by pod",
            "Requests being served.",
            {"{{instance}}": f"sum by (instance) (http_server_active_requests{{{REQUESTS}}})"},
            "short",
            width=6,
            stacked=True,
        ),
    ]
