"""What a real sidecar keeps for people; and that what is kept of bodies changes no metric."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness import Metrics, Outrider, eventually, get
from tests.origin import RawOrigin
from tests.wire import request, response

PREDICT = b"/v1/models/m:predict"
JSON = b"Content-Type: application/json"
LEARNED = 100
ROWS = 150
GOOD = response(json.dumps({"predictions": [0.5]}).encode(), JSON)
BAD = response(b"{}", JSON, status=b"500 Oh")
TIMING = (
    "_seconds", "process_", "budget_used", "client_connections", "_spool_", "_sink_",
    "_load_concurrency",
)  # fmt: skip
"""Of families that hang on time, on what the processes do, or on how much is waiting to be sent."""


def asked(n: int) -> bytes:
    row = {"age": 20 + n % 40, "plan": ("gold", "silver")[n % 2]}
    return json.dumps({"instances": [row]}).encode()


def send(proxy: Outrider, origin: RawOrigin, body: bytes, answer: bytes, name: bytes) -> None:
    with proxy.connect() as client, origin.serving(answer):
        client.send(request(b"POST", PREDICT, JSON, b"X-Request-Id: " + name, body=body))
        client.response()


def traffic(proxy: Outrider, origin: RawOrigin) -> None:
    """A reference is learned of the first; then an error, an outlier, and what is no JSON."""
    rows(proxy, origin, range(LEARNED))  # and no more in one batch with them
    admin = ("127.0.0.1", proxy.ports[1])
    eventually(lambda: get(admin, "/api/v1/reference?model=m").status == 200, "a reference")
    rows(proxy, origin, range(LEARNED, ROWS))
    send(proxy, origin, asked(1), BAD, b"the-error")
    eventually(lambda: finished(proxy) == ROWS + 1, "them, so that the outlier begins a batch")
    odd = json.dumps({"instances": [{"age": 4000, "plan": "platinum"}]}).encode()
    send(proxy, origin, odd, GOOD, b"the-outlier")
    send(proxy, origin, b"nonsense", GOOD, b"the-nonsense")


def rows(proxy: Outrider, origin: RawOrigin, numbers: range) -> None:
    with proxy.connect() as client, origin.serving(GOOD):
        for n in numbers:
            client.send(request(b"POST", PREDICT, JSON, body=asked(n)))
            assert client.response().status == 200


def values(metrics: Metrics) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in metrics.families.values()
        for sample in family.samples
        if not any(part in sample.name for part in TIMING)
    }


def finished(proxy: Outrider) -> float:
    return proxy.metric("outrider_records_total", stage="finished")


def counted(proxy: Outrider) -> float:
    """Rows after those that were learned of; drift counts them once a second."""
    return proxy.metric("outrider_column_values_total", column="age")


def one(proxy: Outrider, name: str) -> dict[str, Any]:
    page = get(("127.0.0.1", proxy.ports[1]), f"/api/v1/exchanges?request_id={name}").json()
    [found] = page["exchanges"]
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_metrics_are_the_same_whether_payloads_are_logged_or_not(
    start: Any, own_origin: RawOrigin
) -> None:
    found: dict[bool, dict[str, float]] = {}
    for logged in (False, True):
        settings = {
            "capture": {"payload_log": logged},
            "host": {"sample": "off"},
            "drift": {"reference": {"learn": {"rows": LEARNED}}, "window": {"rows": 1000}},
        }
        proxy = start(own_origin.url, settings)
        eventually(lambda p=proxy: p.metric("outrider_build_info") == 1, "the observer")
        traffic(proxy, own_origin)
        eventually(lambda p=proxy: finished(p) == ROWS + 3, "all of them")
        eventually(lambda p=proxy: counted(p) == ROWS - LEARNED + 1, "their rows")
        assert proxy.metric("outrider_records_dropped_total") == 0
        found[logged] = values(proxy.metrics())
        _look(proxy, logged)
        assert proxy.stop() == 0
    assert found[False] == found[True]
    assert len(found[True]) > 100


def _look(proxy: Outrider, logged: bool) -> None:
    error, outlier, nonsense = (one(proxy, f"the-{x}") for x in ("error", "outlier", "nonsense"))
    assert (error["reasons"], error["status"], error["outcome"]) == (["error"], 500, "error_status")
    assert outlier["reasons"][-1:] == ["outlier"]
    assert outlier["outlier"] == [
        {"column": "age", "is": "above all that was seen"},
        {"column": "plan", "is": "a value never seen"},
    ]
    assert (outlier["dialect"], outlier["outcome"]) == ("kserve_v1", "ok")
    assert (outlier["model"], outlier["path"]) == ("m", PREDICT.decode())
    phases = outlier["phases"]
    assert 0 <= phases["head_sent"] <= phases["first_byte"] <= phases["end"]
    assert nonsense["outcome"] not in ("ok", None)
    assert ("input" in outlier) == logged
    if logged:
        assert json.loads(outlier["input"])["instances"][0]["age"] == 4000
    admin = ("127.0.0.1", proxy.ports[1])
    page = get(admin, "/api/v1/exchanges?reason=error").json()
    assert [x["request_id"] for x in page["exchanges"]] == ["the-error"]
    refused = get(admin, "/api/v1/exchanges?status=loud")
    assert (refused.status, refused.json()["field"]) == (400, "status")
