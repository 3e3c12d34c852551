"""A real sidecar before a model server that begins to fail with status 200."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
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

    def found(self, finding: str) -> dict[str, Any] | None:
        states = self.status()["findings"]
        return next((state for state in states if state["finding"] == finding), None)

    def ask_until(
        self, answer: Callable[[], object], check: Callable[[], Any], what: str, instances: int = 1
    ) -> tuple[Any, set[str]]:
        """What the check gave, and the ids of all that was asked: some of it may be shed."""
        ids: set[str] = set()

        def once() -> Any:
            ids.add(self.ask(answer(), instances))
            return check()

        return eventually(once, what), ids


@pytest.fixture
def client(start, own_origin) -> Client:
    return Client(start(own_origin.url, {"logs": {"stdout": False}}), own_origin)


def told(client: Client, finding: str) -> dict[str, Any]:
    """The line of the log that tells it."""

    def line() -> str:
        lines = client.proxy.stderr().splitlines()
        return next((one for one in lines if f"finding {finding}" in one), "")

    return json.loads(eventually(line, f"a line that tells {finding}"))


def test_answers_that_fail_with_status_200_are_findings(client: Client) -> None:
    def healthy() -> object:
        share = client.sent % 17 / 17
        return {"predictions": [[share, 1 - share]]}

    [kind], _ = client.ask_until(healthy, lambda: client.status()["predictions"], "its kind")
    assert kind == {"model": "m", "output": "predictions", "kind": "probabilities", "outputs": 2}
    assert client.status()["findings"] == []
    metrics = client.proxy.metrics()
    assert metrics.value("outrider_findings_total", model="m") == 0
    for measure in ("confidence", "margin", "entropy"):
        name = f"outrider_prediction_{measure}_count"
        assert metrics.value(name, model="m", output="predictions") > 0

    for finding, answer in (
        ("nan_prediction", {"predictions": [[float("nan"), float("nan")]]}),
        ("probability_sum", {"predictions": [[0.9, 0.9]]}),
        ("error_body", {"error": "CUDA out of memory"}),
    ):
        state, ids = client.ask_until(
            lambda answer=answer: answer, lambda name=finding: client.found(name), finding
        )
        assert state["active"]
        assert state["example"] in {*ids, ""}
        metrics = client.proxy.metrics()
        total = metrics.value("outrider_findings_total", model="m", finding=finding)
        assert 1 <= total <= len(ids)
        assert metrics.value("outrider_finding_active", model="m", finding=finding) == 1
        line = told(client, finding)
        assert (line["level"], line["model"], line["finding"]) == ("warning", "m", finding)
    assert metrics.value("outrider_finding_active", finding="same_output") == 0


def test_a_model_that_gets_stuck_is_found(client: Client) -> None:
    """A hundred rows a request: each of them counts."""

    def healthy() -> object:
        first = client.sent * 100
        return {"predictions": [(n * 0.6180339887) % 1 for n in range(first, first + 100)]}

    client.ask_until(healthy, lambda: client.status()["requests"] >= 20, "history", 100)
    assert client.status()["findings"] == []
    client.ask_until(
        lambda: {"predictions": [0.37] * 100},
        lambda: client.found("constant_prediction"),
        "a finding",
        100,
    )
    assert [state["finding"] for state in client.status()["findings"]] == ["constant_prediction"]
    assert client.proxy.metric("outrider_finding_active", finding="constant_prediction") == 1
