"""A real sidecar before a model server that begins to fail with status 200."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.harness import eventually, get
from tests.origin import RawOrigin
from tests.wire import response

PATH = "/v1/models/m:predict"


class Client:
    """Asks the sidecar, and answers for the model."""

    def __init__(self, proxy: Any, origin: RawOrigin) -> None:
        self.proxy, self.origin = proxy, origin
        self.connection = http.client.HTTPConnection(*proxy.address)
        self.sent = 0

    def ask(self, answer: object, instances: int = 1) -> str:
        """The request's id."""
        body = json.dumps({"instances": [{"x": self.sent * 100 + n} for n in range(instances)]})
        self.sent += 1
        self.connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        self.origin.serve(response(json.dumps(answer).encode()))
        got = self.connection.getresponse()
        got.read()
        return got.headers["x-request-id"]

    def status(self) -> dict[str, Any]:
        return get(self.proxy.admin, "/api/v1/status").json()["quality"]

    def wait(self) -> None:
        eventually(lambda: self.status()["requests"] == self.sent, "all to be looked at")


@pytest.fixture
def client(start, own_origin) -> Client:
    return Client(start(own_origin.url, {"logs": {"stdout": False}}), own_origin)


def shares(n: int) -> list[float]:
    return [n % 17 / 17, 1 - n % 17 / 17]


def test_answers_that_fail_with_status_200_are_findings(client: Client) -> None:
    for n in range(0, 130):
        client.ask({"predictions": [shares(n)]})
    client.wait()
    assert client.status()["findings"] == []
    [kind] = client.status()["predictions"]
    assert kind == {"model": "m", "output": "predictions", "kind": "probabilities", "outputs": 2}
    metrics = client.proxy.metrics()
    assert metrics.value("outrider_findings_total", model="m") == 0
    measured = {"model": "m", "output": "predictions"}
    assert metrics.value("outrider_prediction_confidence_count", **measured) > 0
    assert metrics.value("outrider_prediction_margin_count", **measured) > 0
    assert metrics.value("outrider_prediction_entropy_count", **measured) > 0

    failed = {
        "nan_prediction": client.ask({"predictions": [[float("nan"), float("nan")]]}),
        "probability_sum": client.ask({"predictions": [[0.9, 0.9]]}),
        "error_body": client.ask({"error": "CUDA out of memory"}),
    }
    client.wait()
    found = {state["finding"]: state for state in client.status()["findings"]}
    assert {name: state["example"] for name, state in found.items()} == failed
    assert all(state["active"] and state["requests"] == 1 for state in found.values())
    metrics = client.proxy.metrics()
    for name in failed:
        assert metrics.value("outrider_findings_total", model="m", finding=name) == 1
        assert metrics.value("outrider_finding_active", model="m", finding=name) == 1
        line = eventually(
            lambda name=name: next(
                (one for one in client.proxy.stderr().splitlines() if f"finding {name}" in one), ""
            ),
            f"a line of {name}",
        )
        told = json.loads(line)
        assert (told["level"], told["model"], told["example"]) == ("warning", "m", failed[name])
    assert metrics.value("outrider_finding_active", finding="same_output") == 0


def test_a_model_that_gets_stuck_is_found(client: Client) -> None:
    """A hundred rows a request: each of them counts."""
    for n in range(20):
        answers = [((n * 100 + k) * 0.6180339887) % 1 for k in range(100)]
        client.ask({"predictions": answers}, instances=100)
    client.wait()
    assert client.status()["findings"] == []
    for _ in range(4):
        client.ask({"predictions": [0.37] * 100}, instances=100)
    client.wait()
    found = eventually(lambda: client.status()["findings"], "a finding")
    assert [state["finding"] for state in found] == ["constant_prediction"]
    assert client.proxy.metric("outrider_finding_active", finding="constant_prediction") == 1
