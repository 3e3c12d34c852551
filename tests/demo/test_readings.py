"""What `/metrics` says, as numbers."""

from __future__ import annotations

import pytest

from agent.demo.histogram import percentile
from agent.demo.readings import moves, parse

TEXT = """\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="0.01"} 8
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} 10
http_server_request_duration_seconds_count{http_response_status_code="200"} 10
http_server_request_duration_seconds_sum{http_response_status_code="200"} 0.2
http_server_request_duration_seconds_bucket{http_response_status_code="502",error_type="upstream_connect",le="0.01"} 2
http_server_request_duration_seconds_bucket{http_response_status_code="502",error_type="upstream_connect",le="+Inf"} 2
http_server_request_duration_seconds_count{http_response_status_code="502",error_type="upstream_connect"} 2
http_server_request_duration_seconds_sum{http_response_status_code="502",error_type="upstream_connect"} 0.01
# TYPE outrider_overhead_seconds histogram
outrider_overhead_seconds_bucket{le="0.00005"} 6
outrider_overhead_seconds_bucket{le="+Inf"} 12
outrider_overhead_seconds_count 12
outrider_overhead_seconds_sum 0.001
# TYPE outrider_drift_score gauge
outrider_drift_score{model="wine",column="ash",side="input",method="evidence"} 0.1
outrider_drift_score{model="wine",column="hue",side="input",method="evidence"} 1.5
outrider_drift_score{model="wine",column="cultivar",side="output",method="evidence"} 0.2
# TYPE outrider_drift_threshold gauge
outrider_drift_threshold{model="wine",column="ash",side="input",method="evidence"} 0.5
outrider_drift_threshold{model="wine",column="hue",side="input",method="evidence"} 0.5
outrider_drift_threshold{model="wine",column="cultivar",side="output",method="evidence"} 0.4
# TYPE outrider_drift_detected gauge
outrider_drift_detected{model="wine",column="ash",side="input"} 0
outrider_drift_detected{model="wine",column="hue",side="input"} 1
"""  # noqa: E501


def test_requests_are_added_over_all_series_and_errors_counted() -> None:
    snapshot = parse(TEXT, 1.0)
    assert snapshot.duration.total == 12
    assert snapshot.errors == 2
    assert percentile(snapshot.overhead, 0.5) == 0.00005


def test_columns_are_ranked_by_score_against_threshold() -> None:
    columns = parse(TEXT, 1.0).columns
    assert [(column.name, column.detected) for column in columns] == [
        ("hue", True),
        ("cultivar", None),
        ("ash", False),
    ]
    assert columns[0].ratio == 3.0


def test_before_the_first_window_there_are_no_columns() -> None:
    assert parse("", 1.0).columns == ()


def test_how_far_a_column_moved_is_added() -> None:
    document = {"models": [{"columns": [{"side": "input", "name": "hue", "shift": -1.5}]}]}
    columns = parse(TEXT, 1.0, moves(document)).columns
    assert [column.moved for column in columns] == [-1.5, None, None]


@pytest.mark.parametrize("document", [None, [], {}, {"models": 3}, {"models": [{}]}])
def test_an_answer_that_is_no_drift_document_is_refused(document: object) -> None:
    with pytest.raises((KeyError, TypeError)):
        moves(document)
