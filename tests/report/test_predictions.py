"""Predictions in the report's page."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agent.report.html.signals import predictions_of
from tests.report.reports import numeric, report


@pytest.mark.parametrize(("rows", "is_drawn"), [(10, True), (0, False)])
def test_where_no_row_came_lately_no_fall_to_nothing_is_drawn(rows: int, is_drawn: bool) -> None:
    columns = [numeric("score", 2000, 0.0, 1)]
    label = {"label": "yes", "now": float(bool(rows)), "reference": 0.7}
    output = {"output": "score", "kind": "label", "bins": [label], "rows": rows, "mean": None}
    [model] = report(columns, columns).models
    shown = str(predictions_of(replace(model, predictions=[{**output, "of": "last window"}])))
    assert ("70.0%" in shown, "No row came lately." in shown) == (is_drawn, not is_drawn)
