"""What the page's pure modules give: numbers as people read them, places, ranks, addresses."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "agent" / "admin" / "web"
pytestmark = pytest.mark.needs("node")

TEXTS: list[tuple[str, list[Any], str]] = [
    ("number", [None], "–"),
    ("number", [0], "0"),
    ("number", [12345], "12,345"),
    ("number", [0.012345], "0.0123"),
    ("number", [-1234.5], "-1,234"),
    ("number", [1e12], "1.00e12"),
    ("number", [0.00001234], "1.23e-5"),
    ("number", ["7"], "–"),
    ("short", [1234], "1,234"),
    ("short", [12345], "12.3k"),
    ("short", [4.56e7], "45.6M"),
    ("percent", [0], "0 %"),
    ("percent", [0.00001], "< 0.01 %"),
    ("percent", [0.0123], "1.2 %"),
    ("percent", [0.9997], "99.97 %"),
    ("percent", [1], "100 %"),
    ("percent", [None], "–"),
    ("ms", [0.0421], "42.1 µs"),
    ("ms", [12.34], "12.3 ms"),
    ("ms", [1234], "1.23 s"),
    ("ms", [180_000], "3 min"),
    ("ms", [None], "–"),
    ("us", [850], "850 µs"),
    ("span", [59.4], "59 s"),
    ("span", [3600], "1 h"),
    ("span", [12_000], "3 h 20 min"),
    ("span", [187_200], "2 d 4 h"),
    ("span", [-5], "0 s"),
    ("bytes", [512], "512 B"),
    ("bytes", [1536], "1.5 KiB"),
    ("count", [1, "column"], "1 column"),
    ("count", [3, "column"], "3 columns"),
    ("ago", [100, 160], "1 min ago"),
    ("ago", [160, 100], "in 1 min"),
    ("words", ["cpu_seconds_per_prediction"], "CPU seconds per prediction"),
    ("versioned", ["3"], "v3"),
    ("versioned", ["2024-a"], "v2024-a"),
    ("versioned", ["canary"], "canary"),
]


def told(script: str) -> Any:
    """What a script says of the modules `format`, `scale`, `bins`, `ranking` and `router`."""
    imports = "".join(
        f"import * as {name} from {json.dumps((WEB / f'{name}.js').as_uri())};"
        for name in ("format", "scale", "bins", "ranking", "router")
    )
    command = [
        "node",
        "--input-type=module",
        "-e",
        f"{imports}console.log(JSON.stringify({script}))",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_numbers_and_times_are_as_people_read_them() -> None:
    calls = ",".join(f"format.{name}(...{json.dumps(given)})" for name, given, _ in TEXTS)
    assert told(f"[{calls}]") == [text for _, _, text in TEXTS]


def test_no_number_of_any_kind_is_shown_as_none_or_nan() -> None:
    odd = "[NaN, Infinity, -Infinity, undefined, null, '', {}, []]"
    names = ["number", "short", "percent", "ms", "us", "span", "bytes", "rate"]
    found = told(f"{json.dumps(names)}.flatMap((name) => {odd}.map((one) => format[name](one)))")
    assert set(found) == {"–"}


def test_axes_begin_at_zero_and_reach_the_most() -> None:
    assert told("scale.ticks(9.3, 3)") == [0, 5, 10]
    assert told("scale.ticks(0, 3)") == [0, 0.5, 1]
    assert told("scale.ticks(1, 3)") == [0, 0.5, 1], "all of a share"
    assert told("scale.ticks(0.0031, 3).at(-1)") >= 0.0031


def test_a_gap_in_what_is_known_is_a_gap_in_the_line() -> None:
    assert told("scale.path([[0, 1], [1, 2], null, [3, 1]])") == "M0 1L1 2M1.5 1h3"
    assert told("scale.path([])") == ""
    assert told("scale.thinned([1, 9, null, null, 2, 3], 3)") == [9, None, 3]


def test_ranges_are_drawn_to_scale_and_single_values_side_by_side() -> None:
    bounds = [None, 1, 2, 6, None]
    ranges = [{"low": low, "high": high} for low, high in pairwise(bounds)]
    found = told(f"bins.laidOut({json.dumps(ranges)}, 0.001)")
    widths = [to - begin for begin, to in found["places"]]
    assert found["scale"] is True
    assert widths[2] == pytest.approx(4 * widths[1])
    assert found["places"][0][0] == 0
    assert found["places"][-1][1] == 1
    values = [{"low": n, "high": n} for n in range(4)]
    assert told(f"bins.laidOut({json.dumps(values)}, 0.001).places[1]") == [0.25, 0.5]
    spike = [{"low": n / 100, "high": (n + 1) / 100, "now": 0.9 * (n == 90)} for n in range(100)]
    assert told(f"bins.laidOut({json.dumps(spike)}, 0.001).scale") is False
    skewed = [{"low": n * n * n * n, "high": (n + 1) ** 4} for n in range(30)]
    assert told(f"bins.laidOut({json.dumps(skewed)}, 0.01).scale") is False


def test_bins_have_names() -> None:
    bins = [
        {"low": 1, "high": 2},
        {"low": None, "high": 2},
        {"low": 2, "high": None},
        {"low": 3, "high": 3},
        {"low": 0.99981, "high": 0.99982},
        {"category": "<b>"},
        {"category": ""},
        {"kind": "missing", "bin": "missing"},
        {"kind": "other", "bin": "other", "reference": 0},
    ]
    assert told(f"{json.dumps(bins)}.map(bins.binName)") == [
        "1 to 2", "up to 2", "over 2", "3", "0.99981 to 0.99982",
        "<b>", "(empty text)", "missing", "unseen categories",
    ]  # fmt: skip


def test_the_furthest_beyond_its_threshold_is_first_and_what_has_no_verdict_last() -> None:
    columns = [
        {"name": "b", "score": 1, "threshold": 2},
        {"name": "none"},
        {"name": "a", "score": -9, "threshold": 3},
        {"name": "odd", "score": 5, "threshold": 0},
    ]
    assert told(f"ranking.ranked({json.dumps(columns)}).map((one) => one.name)") == [
        "a", "b", "none", "odd",
    ]  # fmt: skip


def test_columns_are_counted_alike_everywhere_and_derived_ones_apart() -> None:
    drift = {"state": "drift"}
    model = {
        "columns": [drift, {**drift, "acknowledged": {"by": "me"}}, {"state": "stable"}],
        "derived": [drift, {"state": "insufficient"}],
    }
    tally = f"ranking.tally(ranking.columnsOf({json.dumps(model)}))"
    assert told(f"ranking.drifting({tally})") == "1 of 3 columns, 1 of 2 derived"
    assert told("ranking.drifting({drifted: 0, columns: 1, derived: 0})") == "0 of 1 column"


def test_what_is_set_aside_is_not_called_too_few_rows_besides() -> None:
    column = {"state": "insufficient", "score": None, "reason": "fewer than 50", "suspended": 1}
    assert told(f"ranking.moved({json.dumps(column)})") == ""
    assert told(f"ranking.judged({json.dumps(column)})[0]").startswith("set aside")
    assert told(f"ranking.moved({json.dumps({**column, 'suspended': 0})})") == "fewer than 50"


@pytest.mark.parametrize("name", ["constructor", "toString", "__proto__", "hasOwnProperty"])
def test_a_category_may_be_called_like_what_objects_have(name: str) -> None:
    column = {"score": 9, "test": name, "share": {"reference": 0.1, "now": 0.5}}
    # JSON of JavaScript's own, as `__proto__` in source means something else
    shown = told(f"ranking.moved(JSON.parse({json.dumps(json.dumps(column))}))")
    assert shown == f"share of {name} 10 % → 50 %"


def test_every_name_survives_an_address() -> None:
    names = ["age", "a b&c=d", "#/drift?x", "ü/%2F", "<img src=x>", "__proto__", ""]
    at = 'router.columnAt({model: name, version: "1"}, {name, side: "input"})'
    found = told(f"{json.dumps(names)}.map((name) => router.parse({at}).query.name ?? '')")
    assert found == names
    assert told("router.parse('#/requests/a%2Fb?status=5xx')") == {
        "view": "requests", "rest": ["a/b"], "query": {"status": "5xx"},
    }  # fmt: skip
    assert told("router.parse('#/%E0%A4%A').view") == "%E0%A4%A"
    assert told("router.parse('').view") == "overview"
