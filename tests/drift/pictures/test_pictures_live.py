"""A real sidecar shows what its columns and predictions look like, before and after a drift."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.faults.load import Model, counting_model
from tests.harness import Outrider, eventually, get

PATH = "/v1/models/churn:predict"
SETTINGS = {
    "drift": {
        "reference": {"learn": {"rows": 1000}},
        "window": {"rows": 200, "seconds": "1h"},
        "false_alarms": "1 per 1d",
    },
    "redact": {"rules": [{"name": "plans", "pattern": "gold"}]},
}
ASKED = "/api/v1/drift/column"


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with counting_model() as model:
        yield model


def send(proxy: Outrider, rows: int, shift: float, plans: list[str]) -> None:
    numbers = random.Random(1)
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
    before = proxy.metrics().accounted()
    client = http.client.HTTPConnection(*proxy.address)
    for _ in range(rows // 50):
        batch = [{"age": numbers.gauss(shift, 1), "plan": numbers.choice(plans)} for _ in range(50)]
        client.request("POST", PATH, json.dumps({"instances": batch}))
        assert client.getresponse().read()
    client.close()
    eventually(lambda: proxy.metrics().accounted() >= before + rows // 50, "all records' end")


def column(proxy: Outrider, name: str, **more: str) -> dict[str, Any]:
    query = "&".join(f"{key}={quote(value)}" for key, value in more.items())
    return get(proxy.admin, f"{ASKED}?name={quote(name)}&{query}").json()


def test_a_column_that_drifts_is_shown_beside_its_reference(start, model) -> None:
    proxy = start(model.url, SETTINGS)
    send(proxy, 400, 0.0, ["gold", "b"])
    learning = get(proxy.admin, f"{ASKED}?name=age")
    assert learning.status == 404
    assert "learning" in learning.json()["remedy"]
    [early] = get(proxy.admin, "/api/v1/predictions").json()["outputs"]
    assert early["rows"] == 8  # this server answers a request with one row
    assert {one["reference"] for one in early["bins"]} == {None}

    send(proxy, 1200, 0.0, ["gold", "b"])
    eventually(lambda: get(proxy.admin, f"{ASKED}?name=age").status == 200, "a reference")
    send(proxy, 1600, 2.0, ["gold", "b", "c"])
    first = eventually(
        lambda: (one := column(proxy, "age"))["column"]["state"] == "drift" and one, "a drift"
    )
    assert first["now_of"] == "last window"
    send(proxy, 1600, 2.0, ["gold", "b", "c"])
    shown = eventually(
        lambda: (one := column(proxy, "age"))["now_of"] == "since the alarm" and one, "a window"
    )
    assert (shown["model"], shown["version"]) == ("churn", "")
    rows = shown["reference"]["rows"]
    listed = get(proxy.admin, "/api/v1/drift").json()["models"][0]["columns"]
    assert shown["column"].keys() == listed[0].keys()
    assert shown["now_rows"] == sum(one["now_rows"] for one in shown["bins"]) > 0
    assert sum(one["reference_rows"] for one in shown["bins"]) == rows >= 1000
    assert shown["quantiles"]["now"]["p50"] > shown["quantiles"]["reference"]["p50"] + 1
    up = [one for one in shown["bins"] if one["moved"] == 1]
    assert up
    assert min(one["low"] for one in up) > shown["quantiles"]["reference"]["p50"]

    plan = column(proxy, "plan", model="churn", side="input")
    redacted = {one["category"]: one["moved"] for one in plan["bins"]}
    assert redacted == {"REDACTED": -1, "b": -1, None: 1}
    assert "gold" not in json.dumps(plan)
    assert b"gold" not in get(proxy.admin, "/api/v1/drift").body
    assert plan["quantiles"] is None
    [output] = get(proxy.admin, "/api/v1/predictions").json()["outputs"]
    assert output["rows"] >= 4
    assert sum(one["reference"] for one in output["bins"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "name"),
        ("?name=age", 400, "model"),
        ("?name=age&model=none", 404, "model"),
        ("?name=age&side=up", 400, "side"),
        ("?name=age&colour=red", 400, "colour"),
    ],
)
def test_what_is_not_there_is_refused_by_name(proxy, query: str, status: int, field: str) -> None:
    answer = get(proxy.admin, ASKED + query)
    body = answer.json()
    assert (answer.status, body["field"]) == (status, field)
    assert body["remedy"]


@pytest.fixture(scope="module")
def proxy(model: Model) -> Iterator[Outrider]:
    with Outrider(model.url) as proxy:
        eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
        yield proxy
