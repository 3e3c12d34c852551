"""The model server as a service: latency, traffic, errors, saturation, and what Outrider adds."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from examples.grafana.source import host, logs, saturation, streams, variables
from examples.grafana.source.board import Row, alerts, board, restarts
from examples.grafana.source.parts import (
    GREEN,
    ORANGE,
    RED,
    histogram_panel,
    stat_panel,
    timeseries_panel,
)
from examples.grafana.source.promql import PODS, counts, quantile, quantiles, rate, ratio

REQUESTS = f'{PODS},model=~"$model",http_route=~"$route"'
ROUTES = f'{PODS},http_route=~"$route"'
DURATION = "http_server_request_duration_seconds"
COUNT = f"{DURATION}_count"
BY_SERVER = f'{REQUESTS},http_response_status_code=~"5.."'
BY_CLIENT = f'{REQUESTS},http_response_status_code=~"4.."'
SERVER_ERRORS = ratio(rate(COUNT, BY_SERVER), rate(COUNT, REQUESTS))
CLIENT_ERRORS = ratio(rate(COUNT, BY_CLIENT), rate(COUNT, REQUESTS))

Panels = list[Builder[Panel]]


def made() -> Dashboard:
    """The dashboard."""
    return board(
        "outrider-service",
        "Outrider / Service",
        "The model server as its clients see it: how fast, how much, what fails, how full. "
        "Begin here when an alarm rings.",
        [
            *variables.common(),
            variables.several(
                "model",
                "Model",
                "As the path, a header or the settings name it.",
                f"label_values({COUNT}{{{PODS}}}, model)",
            ),
            variables.several(
                "route",
                "Route",
                "Path templates.",
                f'label_values({COUNT}{{{PODS},model=~"$model"}}, http_route)',
            ),
            variables.choice(
                "objective",
                "Objective",
                "Share of the requests that must succeed.",
                ["0.95", "0.99", "0.995", "0.999", "0.9999"],
                "0.99",
            ),
            variables.service(),
            variables.runbooks(),
        ],
        [alerts(), restarts()],
        [
            Row("Now", _now()),
            Row("Latency", _latency()),
            Row("Traffic", _traffic()),
            Row("Errors", _errors()),
            Row("Saturation", saturation.load()),
            Row("Where the time goes", _time()),
            Row("Model server, its process and its files", host.model_server()),
            Row("Machine and containers", host.machine(), is_closed=True),
            Row("GPUs", host.gpus(), is_closed=True),
            Row("Streams", streams.streams(), is_closed=True),
            Row("Language models", streams.language_models(), is_closed=True),
            Row("Logs", logs.requests()),
        ],
    )


def _now() -> Panels:
    return [
        stat_panel(
            "Requests",
            "Requests a second, counted exactly. If it falls to nothing, look at the callers and "
            "at the balancer first: runbook ModelTrafficGone.",
            rate(COUNT, REQUESTS),
            "reqps",
        ),
        stat_panel(
            "Server errors",
            "Share of requests that got a 5xx, the model's own and ours. Above 1 % of a day an "
            "SLO of 99 % is spent: runbook ModelErrorBudgetBurnFast.",
            SERVER_ERRORS,
            "percentunit",
            steps={0.001: ORANGE, 0.01: RED},
            decimals=2,
        ),
        stat_panel(
            "p99",
            "One request in a hundred takes longer. From the request's head to the last byte of "
            "the answer, waiting for the client included: runbook ModelLatencyHigh.",
            quantile(0.99, DURATION, REQUESTS),
            "s",
            steps={1: ORANGE, 5: RED},
        ),
        stat_panel(
            "In flight",
            "Requests being served now. If it rises while the rate does not, the model server "
            "has become slower.",
            f"sum(http_server_active_requests{{{REQUESTS}}})",
            "short",
        ),
        stat_panel(
            "Overhead p99",
            "What the sidecar itself adds, without waiting for model or client. Above a "
            "millisecond: look whether its worker's core is busy.",
            quantile(0.99, "outrider_overhead_seconds", ROUTES),
            "s",
            steps={0.001: ORANGE, 0.01: RED},
        ),
        stat_panel(
            "Model servers reached",
            "Share of sidecars whose last try reached their model server. Below 100 %: look "
            "whether it runs, and at the reasons under Errors.",
            f"avg(outrider_upstream_up{{{PODS}}})",
            "percentunit",
            steps={1: GREEN},
            low=RED,
        ),
    ]


def _latency() -> Panels:
    every = (0.5, 0.9, 0.95, 0.99)
    return [
        timeseries_panel(
            "Latency percentiles",
            "From a request's head to the last byte of its answer. The points are single requests "
            "with a trace: click one to open it. If p99 alone rises, look for slow inputs; if p50 "
            "rises too, for load or a new version.",
            quantiles(DURATION, REQUESTS, *every),
            "s",
            width=12,
            exemplars=True,
        ),
        histogram_panel(
            "Latency distribution",
            "Requests by duration. Two bands are two kinds of requests, or a cache; one that "
            "climbs is a queue.",
            counts(DURATION, REQUESTS),
            "s",
            exemplars=True,
        ),
        timeseries_panel(
            "p95 by route",
            "Which route is slow. Choose it above to see it alone.",
            {"{{http_route}}": quantile(0.95, DURATION, REQUESTS, "http_route")},
            "s",
            width=12,
            exemplars=True,
        ),
        timeseries_panel(
            "p95 by model",
            "Which model is slow; empty where requests name none.",
            {"{{model}}": quantile(0.95, DURATION, REQUESTS, "model")},
            "s",
            width=12,
            exemplars=True,
        ),
    ]


def _traffic() -> Panels:
    inward = "http_server_request_body_size_bytes"
    outward = "http_server_response_body_size_bytes"
    return [
        timeseries_panel(
            "Requests by route",
            "Requests a second. A route that ends suddenly has lost its callers.",
            {"{{http_route}}": rate(COUNT, REQUESTS, "http_route")},
            "reqps",
            stacked=True,
        ),
        timeseries_panel(
            "Requests by model",
            "Requests a second. A new line is a new model or name.",
            {"{{model}}": rate(COUNT, REQUESTS, "model")},
            "reqps",
            stacked=True,
        ),
        timeseries_panel(
            "Bodies",
            "Bytes a second to and from the model server, as transferred. Larger requests are "
            "slower ones: compare with the latency.",
            {
                "requests": rate(f"{inward}_sum", REQUESTS),
                "responses": rate(f"{outward}_sum", REQUESTS),
            },
            "Bps",
        ),
    ]


def _errors() -> Panels:
    status = "http_response_status_code"
    failed = f'{BY_SERVER},error_type=""'
    return [
        timeseries_panel(
            "Error ratio",
            "Shares of requests answered with 5xx and with 4xx. 5xx spend the error budget; many "
            "4xx are a client that sends what the model does not take.",
            {"5xx": SERVER_ERRORS, "4xx": CLIENT_ERRORS},
            "percentunit",
            width=6,
            steps={0.01: RED},
        ),
        timeseries_panel(
            "Errors by status",
            "499 is a client that left before its answer; the lines below name single requests.",
            {
                f"{{{{{status}}}}}": rate(COUNT, f'{REQUESTS},{status}=~"[45].."', status),
            },
            "reqps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Errors by origin",
            "The model's own 5xx beside what failed between us, by its reason: upstream_connect "
            "(nobody listens), upstream_reset (it died), upstream_timeout (too slow), "
            "client_abort (they left).",
            {
                "the model's own": f"{rate(COUNT, failed)} or vector(0)",
                "{{error_type}}": rate(COUNT, f'{REQUESTS},error_type!=""', "error_type"),
            },
            "reqps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Failed requests by reason",
            "Requests that failed other than by the model's own answer, those too whose head "
            "could not be read. `limit` is ours: see the limits of the settings.",
            {"{{reason}}": rate("outrider_requests_failed_total", PODS, "reason")},
            "reqps",
            width=6,
            stacked=True,
        ),
        timeseries_panel(
            "Error budget burn",
            "How many times too fast the error budget of the objective chosen above is spent; at "
            "1 it lasts exactly as long as it should. 14.4 over an hour and 5 minutes is two "
            "percent of a month in an hour: runbook ModelErrorBudgetBurnFast.",
            {span: f"{_errors_over(span)} / (1 - $objective)" for span in ("5m", "1h", "6h")},
            "short",
            width=16,
            steps={1: ORANGE, 14.4: RED},
        ),
        stat_panel(
            "Error budget left, of this range",
            "Of the failures that the objective allows in the range chosen above, the share that "
            "has not happened. Below 0 the objective is missed.",
            f"1 - {_errors_over('$__range')} / (1 - $objective)",
            "percentunit",
            width=8,
            height=8,
            steps={0: ORANGE, 0.25: GREEN},
            low=RED,
            is_instant=True,
        ),
    ]


def _errors_over(span: str) -> str:
    """Share of 5xx in all requests of a while."""
    failed, every = (f"sum(increase({COUNT}{{{of}}}[{span}]))" for of in (BY_SERVER, REQUESTS))
    return ratio(failed, every)


def _time() -> Panels:
    return [
        timeseries_panel(
            "Model server, to its first byte",
            "Request sent to first byte of the answer: the model's own time.",
            quantiles("outrider_upstream_duration_seconds", ROUTES, 0.5, 0.95, 0.99),
            "s",
            width=6,
        ),
        timeseries_panel(
            "First to last byte",
            "How long answers come: long for streams, and for clients that read slowly.",
            quantiles("outrider_response_stream_seconds", ROUTES, 0.5, 0.95, 0.99),
            "s",
            width=6,
        ),
        timeseries_panel(
            "Connecting to the model server",
            "Only new connections. If there are many, the model server closes them early: see "
            "timeouts.pool.",
            {
                **quantiles("outrider_upstream_connect_seconds", ROUTES, 0.5, 0.99),
            },
            "s",
            width=6,
        ),
        timeseries_panel(
            "Overhead of the sidecar",
            "What Outrider itself adds to a request. It should be a fraction of a millisecond.",
            quantiles("outrider_overhead_seconds", ROUTES, 0.5, 0.95, 0.99),
            "s",
            width=6,
        ),
    ]
