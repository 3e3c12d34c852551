"""A verdict that changed is one line, with all that a person needs to go and look."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest

from agent.drift.engine.verdict import Moved, Verdict
from agent.drift.traffic.change import Change
from agent.drift.traffic.examples import Example
from agent.observer.telling import changes
from agent.signals import selflog


def change(column: str, before: Any = "stable", after: Any = "drift") -> Change:
    verdict = Verdict(after, 1000, 0.0, 0.0, 0.5, threshold=0.1, effect=0.7)
    examples = [Example("id-1", None, 5.0, "> 2")]
    return Change("iris", column, "input", before, after, 1000.0, verdict, examples)


def told(found: list[Change], level: str = "info") -> list[dict[str, Any]]:
    stream = io.StringIO()
    changes.tell(changes.lines(found), selflog.make("outrider", level, stream))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_column_that_drifts_is_a_warning_with_its_evidence():
    (line,) = told([change("petal")])
    assert line["level"] == "warning"
    assert line["message"].startswith("drift of iris: input petal went from stable to drift")
    assert "0.7 standard deviations" in line["message"]
    wanted = {
        "model": "iris", "column": "petal", "side": "input", "before": "stable", "after": "drift",
        "since": 1000.0, "effect": 0.7, "threshold": 0.1, "rows": 1000, "examples": ["id-1"],
    }  # fmt: skip
    assert {name: line[name] for name in wanted} == wanted


def test_a_share_is_told_from_what_to_what():
    found = change("petal")
    verdict = msgspec.structs.replace(
        found.verdict, test="missing", direction="up", share=Moved("missing", 0.02, 1.0)
    )
    (line,) = told([found._replace(verdict=verdict)])
    assert line["message"].endswith("to drift (missing, up, from 2.0% to 100%)")


def test_the_end_of_a_drift_is_news_too_and_no_warning():
    (line,) = told([change("petal", "drift", "stable")])
    assert (line["level"], line["after"]) == ("info", "stable")
    assert told([change("petal", "drift", "stable")], "warning") == []


@pytest.mark.parametrize(
    ("count", "after", "lines"),
    [(1, "stable", 1), (50, "stable", 1), (20, "drift", 20), (1000, "drift", 1)],
)
def test_a_thousand_columns_are_not_a_thousand_lines(count, after, lines):
    found = told([change(f"c{n}", "insufficient", after) for n in range(count)])
    assert len(found) == lines
    if lines == 1:
        assert (found[0]["columns"], found[0]["after"]) == (count, after)
        assert found[0]["first"][0] == "c0"


def test_what_concerns_drift_goes_where_logs_are_sent():
    found = [change("petal"), change("sepal", "insufficient", "stable")]
    [record] = changes.records(changes.lines(found), "api", 1_764_000_000_123_456_789)
    assert record.labels == (("service_name", "api"), ("model", "iris"), ("level", "warning"))
    assert record.timestamp_ns == 1_764_000_000_123_456_789
    line = json.loads(record.data)
    assert line["timestamp"] == "2025-11-24T16:00:00.123456789Z"
    assert (line["service.name"], line["column"], line["after"]) == ("api", "petal", "drift")
    assert [line["message"], line["examples"]] == [told([change("petal")])[0]["message"], ["id-1"]]
