"""Two versions behind one path, told apart by their answers alone, through the running sidecar."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.drift.test_live import ACKNOWLEDGE, REFERENCE, alarms, ask
from tests.harness import DEADLINE, Outrider, eventually, get

pytestmark = pytest.mark.slow

LEARNED, WINDOW = 1000, 200
DRIFT = {
    "reference": {"learn": {"rows": LEARNED}},
    "window": {"rows": WINDOW, "seconds": "1h"},
    "false_alarms": "1 per 1d",
}


class _Handler(BaseHTTPRequestHandler):
    """An Open Inference server; which version answers it decides by the request's id."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        score = {"name": "score", "shape": [1, 1], "datatype": "FP64", "data": [0.5]}
        said = {"model_name": "churn", "model_version": asked["id"], "outputs": [score]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Traffic:
    """One connection; a row a request, by turns for each version."""

    def __init__(self, proxy: Outrider) -> None:
        self.proxy = proxy
        self.numbers = random.Random(3)
        self.sent = 0

    def send(self, count: int, shifts: dict[str, float]) -> None:
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=DEADLINE)
        for _ in range(count):
            for version, shift in shifts.items():
                age = self.numbers.gauss(shift, 1)
                tensor = {"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [age]}
                body = json.dumps({"id": version, "inputs": [tensor]})
                # The path says 1 to each of them.
                connection.request("POST", "/v2/models/churn/versions/1/infer", body)
                assert connection.getresponse().read()
                self.sent += 1
        connection.close()
        eventually(lambda: self.proxy.metrics().accounted() >= self.sent, "all records' end")

    def until(self, states: dict[str, str], shifts: dict[str, float]) -> None:
        """Sends windows until the versions are in these states; under load some are shed."""
        for _ in range(8):
            if {version: model["state"] for version, model in self.models().items()} == states:
                return
            self.send(WINDOW, shifts)
        raise AssertionError(self.models())

    def models(self) -> dict[str, Any]:
        found = get(self.proxy.admin, "/api/v1/drift").json()["models"]
        assert {model["model"] for model in found} == {"churn"}
        return {model["version"]: model for model in found}


def test_versions_are_judged_acknowledged_and_compared_by_themselves(
    start: Any, model: str, tmp_path: Path
) -> None:
    proxy = start(model, {"drift": DRIFT})
    traffic = Traffic(proxy)
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer")
    traffic.send(LEARNED, {"1": 0.0, "2": 3.0})
    traffic.until({"1": "stable", "2": "stable"}, {"1": 0.0, "2": 3.0})
    traffic.until({"1": "stable", "2": "drift"}, {"1": 0.0, "2": 5.0})

    eventually(lambda: alarms(proxy), "a line of the log")
    assert {(line["model"], line["version"]) for line in alarms(proxy)} == {("churn", "2")}
    labels = {"model": "churn", "column": "age", "side": "input"}
    for version, detected in (("1", 0), ("2", 1)):
        assert proxy.metric("outrider_drift_detected", **labels, version=version) == detected

    mute = {"model": "churn", "action": "mute", "until": "1h"}
    refused = ask(proxy.admin, "POST", ACKNOWLEDGE, mute)
    assert (refused.status, refused.json()["remedy"]) == (400, "known of 'churn' are: '1', '2'")
    assert ask(proxy.admin, "POST", ACKNOWLEDGE, mute | {"version": "2"}).status == 200
    assert {v: m["alarms"]["open"] for v, m in traffic.models().items()} == {"1": 0, "2": 0}

    files = []
    for version in ("1", "2"):
        got = ask(proxy.admin, "GET", f"{REFERENCE}?model=churn&version={version}")
        assert got.status == 200
        files.append(tmp_path / f"{version}.json")
        files[-1].write_bytes(got.body)
        assert got.json()["version"] == version
    put = ask(proxy.admin, "PUT", f"{REFERENCE}?model=churn&version=1", files[1].read_bytes())
    assert put.status == 400
    assert ask(proxy.admin, "PUT", f"{REFERENCE}?model=churn", files[1].read_bytes()).status == 200
    assert traffic.models()["2"]["reference"]["source"] == "published"
