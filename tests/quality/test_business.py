"""Business values: added up by model, and shown by a real sidecar whatever else is on."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric

from agent.decode.rules.tally import Tally
from agent.quality.business import MAX_MODELS, OTHER, Business
from tests.harness import Outrider, eventually, get
from tests.wire import response


def samples(business: Business) -> dict[tuple[str, ...], float]:
    families: list[Metric] = [*business.collect()]
    return {
        (sample.name.removeprefix("outrider_business_value"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_was_counted_is_shown_by_model_and_version():
    business = Business()
    business.add("m", "", [Tally("ok", true=2, false=1), Tally("n", numbers=1, positive=2.5)])
    business.add("m", "", [Tally("ok", missing=1, why="absent"), Tally("n", numbers=1, negative=4)])
    business.add("m", "2", [Tally("ok", true=1)])
    assert samples(business) == {
        ("_total", "m", "ok", "true"): 2,
        ("_total", "m", "ok", "false"): 1,
        ("_total", "m", "ok", "true", "2"): 1,
        ("_total", "m", "ok", "false", "2"): 0,
        ("_numbers_total", "m", "n"): 2,
        ("_sum_total", "m", "n", "positive"): 2.5,
        ("_sum_total", "m", "n", "negative"): 4,
        ("_missing_total", "m", "ok", "absent"): 1,
    }
    assert business.status() == [
        {"model": "m", "version": "", "values": [
            {"name": "ok", "true": 2, "false": 1, "missing": {"absent": 1}},
            {"name": "n", "numbers": 2, "sum": -1.5, "mean": -0.75, "missing": {}}]},
        {"model": "m", "version": "2", "values": [
            {"name": "ok", "true": 1, "false": 0, "missing": {}}]},
    ]  # fmt: skip


def test_models_beyond_the_bound_are_counted_as_one():
    business = Business()
    for n in range(2 * MAX_MODELS):
        business.add(f"m{n}", "1", [Tally("ok", true=1)])
    shown = samples(business)
    assert shown["_total", OTHER, "ok", "true"] == MAX_MODELS
    assert len({key[1] for key in shown}) == MAX_MODELS + 1


@given(st.lists(st.floats(-1e6, 1e6)))
def test_sums_never_fall_and_their_difference_is_the_sum(values):
    business, before = Business(), (0.0, 0.0)
    for value in values:
        tally = Tally("n", numbers=1, positive=max(value, 0.0), negative=max(-value, 0.0))
        business.add("m", "", [tally])
        shown = samples(business)
        sums = shown["_sum_total", "m", "n", "positive"], shown["_sum_total", "m", "n", "negative"]
        assert sums[0] >= before[0]
        assert sums[1] >= before[1]
        before = sums
    assert before[0] - before[1] == pytest.approx(sum(values), abs=1e-3)


# ---- a real one

SETTINGS = {
    "routes": [
        {"path": "/{+any}", "values": {
            "approved": "$.outputs[0].data[0] > 0.5", "amount": "request $.amount",
            "score": "output y >= 0.5", "delta": "input x-0"},
         "extra": {"tier": "header x-tier"}, "ignore": ["request $.amount"]},
    ]
}  # fmt: skip
ANSWER = {"model_name": "loans", "outputs": [
    {"name": "y", "shape": [1], "datatype": "FP32", "data": [0.75]}]}  # fmt: skip
TARGET = "/v2/models/loans/infer"


def ask(proxy: Outrider, origin: Any, score: float, amount: object, status: bytes) -> None:
    answer: Any = json.loads(json.dumps(ANSWER))
    answer["outputs"][0]["data"] = [score]
    asked = {"amount": amount, "inputs": [
        {"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [-3, 1]}]}  # fmt: skip
    client = http.client.HTTPConnection(*proxy.address)
    fields = {"Content-Type": "application/json", "X-Tier": "gold"}
    client.request("POST", TARGET, json.dumps(asked), fields)
    origin.serve(response(json.dumps(answer).encode(), status=status))
    client.getresponse().read()
    client.close()


def lines(proxy: Outrider) -> list[str]:
    shown = get(proxy.admin, "/metrics").body.decode().splitlines()
    return sorted(line for line in shown if line.startswith("outrider_business_value"))


def counted(start: Any, origin: Any, **settings: object) -> tuple[Outrider, list[str]]:
    proxy = start(origin.url, {**SETTINGS, **settings})
    for score, amount in ((0.9, 100), (0.2, 50.5), (0.7, "much"), (0.6, None)):
        ask(proxy, origin, score, amount, b"200 OK")
    ask(proxy, origin, 0.9, 1000, b"503 Busy")
    eventually(lambda: proxy.metric("outrider_decode_total", outcome="error_status") == 1, "all")
    return proxy, lines(proxy)


EXPECTED = [
    'outrider_business_value_missing_total{model="loans",name="amount",reason="type"} 2.0',
    'outrider_business_value_numbers_total{model="loans",name="amount"} 2.0',
    'outrider_business_value_numbers_total{model="loans",name="delta"} 4.0',
    'outrider_business_value_sum_total{model="loans",name="amount",sign="negative"} 0.0',
    'outrider_business_value_sum_total{model="loans",name="amount",sign="positive"} 150.5',
    'outrider_business_value_sum_total{model="loans",name="delta",sign="negative"} 12.0',
    'outrider_business_value_sum_total{model="loans",name="delta",sign="positive"} 0.0',
    'outrider_business_value_total{model="loans",name="approved",result="false"} 1.0',
    'outrider_business_value_total{model="loans",name="approved",result="true"} 3.0',
    'outrider_business_value_total{model="loans",name="score",result="false"} 1.0',
    'outrider_business_value_total{model="loans",name="score",result="true"} 3.0',
]


def test_a_real_sidecar_counts_the_same_with_payload_logging_on_and_off(start, own_origin) -> None:
    proxy, found = counted(start, own_origin)
    assert found == EXPECTED
    _, logged = counted(start, own_origin, capture={"payload_log": True})
    assert logged == EXPECTED
    page = get(proxy.admin, "/api/v1/status").json()
    [of] = page["business"]
    assert (of["model"], of["version"]) == ("loans", "")
    by_name = {value.pop("name"): value for value in of["values"]}
    assert by_name["approved"] == {"true": 3, "false": 1, "missing": {}}
    assert by_name["amount"]["missing"] == {"type": 2}
    assert page["decode"][0]["route"] == "/v2/models/{model}/infer", "a route keeps its name"
    assert "business" not in str(page["caveats"])

    def columns() -> list[str]:
        ask(proxy, own_origin, 0.9, 1, b"200 OK")  # on a busy machine rows may be shed
        models = get(proxy.admin, "/api/v1/drift").json()["models"]
        return [column["name"] for of in models for column in of["learning"]["columns"]]

    assert eventually(columns, "drift to have a row") == ["x-0", "x-1", "tier", "y"]


def test_values_of_a_sample_are_told_to_be_that(start, own_origin) -> None:
    proxy = start(own_origin.url, {**SETTINGS, "capture": {"sample_ratio": 0.5}})
    told = "business values are those of 0.5 of all requests"
    assert told in str(get(proxy.admin, "/api/v1/status").json()["caveats"])
    assert proxy.said(told)
