"""What the LogQL of the dashboards selects is what the sidecar pushes.

Loki itself is not run here: labels and fields are compared with lines of real traffic.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.grafana.boards import Query, queries
from tests.grafana.model_server import Running
from tests.grafana.prometheus import Prometheus
from tests.harness import eventually

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus"), pytest.mark.timeout(300)]

_COMPARED = re.compile(r"(\w+) *(?:=~|!=|>|=)")


@pytest.fixture(scope="session")
def lines(server: Running, seen: Prometheus) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Labels and fields of each line that was pushed, with names as `| json` makes them."""

    def pushed() -> list[tuple[dict[str, str], dict[str, Any]]]:
        return [
            (stream["stream"], {k.replace(".", "_"): v for k, v in json.loads(text).items()})
            for stream in server.streams
            for _, text, *_ in stream["values"]
        ]

    return eventually(lambda: any("after" in x for _, x in pushed()) and pushed(), "an alarm")


@pytest.mark.parametrize("query", queries("loki"), ids=str)
def test_a_line_has_all_that_is_asked_for(
    query: Query, lines: list[tuple[dict[str, str], dict[str, Any]]]
) -> None:
    selector, _, rest = query.expr.partition("{")[2].partition("}")
    labels = set(_COMPARED.findall(selector))
    fields = set(_COMPARED.findall(rest)) | set(re.findall(r"by \((\w+)\)", query.expr))
    assert labels
    assert any(labels <= of.keys() and fields <= of.keys() | line.keys() for of, line in lines)


def test_lines_of_all_levels_come_with_their_trace(
    server: Running, lines: list[tuple[dict[str, str], dict[str, Any]]]
) -> None:
    assert {labels["level"] for labels, _ in lines} == {"info", "warning", "error"}
    kept = [value[2] for stream in server.streams for value in stream["values"]]
    assert any(len(metadata.get("trace_id", "")) == 32 for metadata in kept)
