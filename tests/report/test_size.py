"""A report stays one that can be mailed, however many columns moved."""

from __future__ import annotations

import msgspec
import pytest

from agent.report.cli import FORMS
from agent.report.content import Example, Past, Report
from agent.report.html.columns import MOST as COLUMNS
from agent.report.html.page import MOST_PICTURES, html
from agent.report.past import MOST
from tests.report.reports import categorical, numeric, report


@pytest.mark.parametrize("columns", [100, 500, 1000])
def test_all_columns_drift_and_it_is_under_a_megabyte(columns: int) -> None:
    shapes = [numeric("", 3000, shift, 1) for shift in (0.0, 0.8)]
    names = [f"category-{n}" for n in range(60)]
    of = [
        [
            categorical(f"column {n:03}", names, counts)
            if n % 2
            else msgspec.structs.replace(shape, name=f"column {n:03}")
            for n in range(columns)
        ]
        for shape, counts in zip(shapes, ([500] * 60, [800] * 30 + [200] * 30), strict=True)
    ]
    made = with_more(report(*of))
    assert sum(column.state == "drift" for column in made.columns()) == columns
    page = html(made)
    assert len(page.encode()) < 1_000_000
    assert page.count('class="card"') == min(columns, MOST_PICTURES)
    assert sum(f"column {n:03}<" in page for n in range(columns)) == min(columns, COLUMNS)
    assert len(FORMS["markdown"](made)) < 65_536


def with_more(made: Report) -> Report:
    """With all that a sidecar knows besides."""
    past = Past(1.8e9, 600.0, [0.123 * (n % 17) for n in range(MOST)])
    examples = [Example(f"{n:0100}", "0" * 32, "bin") for n in range(5)]
    columns = [
        msgspec.structs.replace(column, past=past, examples=examples, since=1.8e9)
        for column in made.columns()
    ]
    [model] = made.models
    return msgspec.structs.replace(made, models=[msgspec.structs.replace(model, columns=columns)])
