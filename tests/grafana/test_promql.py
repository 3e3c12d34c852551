"""Every query of every dashboard, asked of the real Prometheus over real sidecars and traffic."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from agent.signals.host.catalog import BY_NAME
from tests.grafana.boards import BOARDS, Query, asked_by, put, queries, variables
from tests.grafana.conftest import SCRAPE
from tests.grafana.prometheus import Prometheus

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus"), pytest.mark.timeout(300)]

GLOBAL = {
    "__interval": f"{SCRAPE}s",
    "__rate_interval": f"{4 * SCRAPE}s",
    "__range": "900s",
    "window": "5m",
    "objective": "0.99",
}
"""As Grafana computes them of a data source whose scrape interval is that of the test."""
ABSENT = {
    "outrider_load_concurrency_limit": "shows after minutes at several concurrencies: tests/load",
    "outrider_load_saturation_ratio": "as the limit",
    "outrider_load_queue_requests": "as the limit",
}
"""Metrics that this traffic cannot make, and why; their queries are only asked, and parsed."""
DEPENDS = {
    "container_": "on control groups of version 2, and on limits",
    "hw_": "on a GPU",
    "outrider_model_process_gpu_memory_bytes": "on a GPU",
    "outrider_load_cpu_seconds_per_prediction": "on whether its process can be seen",
    "outrider_load_gpu_seconds_per_prediction": "on a GPU",
    "system_network_": "on a network beside loopback",
    "system_filesystem_": "on what of the machine's file systems can be seen",
}
"""Beginnings of metrics that are there or not by the machine; their queries are parsed alone."""
STILL = {
    "Model servers out of reach": "the one here answers",
    "Out of reach": "all sidecars answer",
    "Payloads not looked at": "all are, unless the settings say otherwise",
    "Records dropped": "none need be; tests/faults drops some",
    "Records dropped a second": "none need be",
    "References refused": "there is a good one",
    "Client connections": "nobody opens ten thousand",
    "What overload has put aside": "this traffic is light",
}
"""Panels that may show nothing but zeros, and why."""
METRIC = re.compile(r"\b((?:http|outrider|gen_ai|process|system|container|hw)_\w+)\{")
ENDING = re.compile(r"_(total|bucket|count|sum)$")
CHOSEN = {"model": "churn", "detail": "age"}
"""Where a variable has exactly one value."""


def chosen(seen: Prometheus, board: str) -> dict[str, str]:
    """Values of a board's variables with everything chosen: as Grafana has them at first."""
    values = dict(GLOBAL)
    for variable in variables(board):
        selector, label = asked_by(variable)
        match = {"match[]": put(selector, values)} if selector else {}
        there = seen.api(f"label/{label}/values", **match)
        assert there, f"{board}: nothing to choose for {variable['name']}"
        if not variable["includeAll"]:
            values[variable["name"]] = CHOSEN.get(variable["name"], there[0])
            assert values[variable["name"]] in there
        else:
            values[variable["name"]] = variable.get("allValue") or "|".join(there)
    return values


@pytest.fixture(scope="session")
def choices(seen: Prometheus) -> dict[str, dict[str, str]]:
    """Of each board."""
    return {board: chosen(seen, board) for board in BOARDS}


def numbers(data: dict[str, Any]) -> list[float]:
    """All that are some."""
    found = []
    for series in data["result"]:
        points = series.get("values") or [series["value"]]
        found += [float(value) for _, value in points]
    return [number for number in found if not math.isnan(number)]


@pytest.mark.parametrize("query", queries("prometheus"), ids=str)
def test_every_query_answers(
    query: Query, seen: Prometheus, choices: dict[str, dict[str, str]]
) -> None:
    expr = put(query.expr, choices[query.board])
    if query.is_instant:
        data = seen.api("query", query=expr, time=seen.at)
    else:
        span = {"start": seen.at - 120, "end": seen.at, "step": SCRAPE}
        data = seen.api("query_range", query=expr, **span)
    if any(name.startswith(tuple(DEPENDS)) for name in METRIC.findall(expr)):
        return
    is_absent = any(f"{name}{{" in expr for name in ABSENT)
    assert bool(numbers(data)) != is_absent, expr
    labels = {label for series in data["result"] for label in series["metric"]}
    assert is_absent or query.shown <= labels, f"{query.shown - labels} shown and not there"
    assert is_absent or any(numbers(data)) or query.panel in STILL, f"all zero: {expr}"


def test_only_metrics_are_named_that_the_sidecar_shows(seen: Prometheus) -> None:
    shown = seen.api("metadata").keys() | BY_NAME.keys()  # of a host only what it has is shown
    named = {name for query in queries("prometheus") for name in METRIC.findall(query.expr)}
    assert len(named) > 50
    assert {name for name in named if not {name, ENDING.sub("", name)} & shown} == set()


def test_what_has_exemplars_leads_to_traces(
    seen: Prometheus, choices: dict[str, dict[str, str]]
) -> None:
    asked = [query for query in queries("prometheus") if query.has_exemplars]
    assert asked
    for query in asked:
        expr = put(query.expr, choices[query.board])
        found = seen.api("query_exemplars", query=expr, start=seen.at - 900, end=seen.at)
        traces = [one["labels"]["trace_id"] for series in found for one in series["exemplars"]]
        assert traces, query
        assert all(len(trace) == 32 for trace in traces)
