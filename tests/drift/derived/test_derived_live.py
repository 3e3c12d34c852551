"""The whole way: a model that leans on another input, seen from what passes by on the wire."""

from __future__ import annotations

import http.client
import json
import math
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.cli import main
from tests.harness import DEADLINE, Outrider, eventually, get

pytestmark = pytest.mark.slow

PATH = "/v1/models/churn:predict"
ROWS = 100
"""A request."""


class Churn(ThreadingHTTPServer):
    """Answers the probabilities of a logistic regression on `age` and `income`."""

    weights = (2.0, 0.5)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)

    def yes(self, row: dict[str, float]) -> float:
        age, income = self.weights
        return 1 / (1 + math.exp(-age * row["age"] - income * row["income"]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Churn

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        shares = [self.server.yes(row) for row in asked["instances"]]
        answer = json.dumps({"predictions": [{"no": 1 - p, "yes": p} for p in shares]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def churn() -> Iterator[Churn]:
    server = Churn()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def drawn(chance: random.Random, count: int) -> list[dict[str, float]]:
    return [{"age": chance.gauss(0, 1), "income": chance.gauss(0, 1)} for _ in range(count)]


def history(path: Path, churn: Churn, chance: random.Random) -> Path:
    with path.open("w") as file:
        for row in drawn(chance, 5000):
            p = churn.yes(row)
            label = "yes" if chance.random() < p else "no"
            file.write(json.dumps({**row, "no": 1 - p, "yes": p, "label": label}) + "\n")
    return path


def sent(proxy: Outrider, chance: random.Random, requests: int) -> dict[str, object]:
    """What is known of the model after so many requests more."""
    connection = http.client.HTTPConnection(*proxy.address, timeout=DEADLINE)
    for _ in range(requests):
        connection.request("POST", PATH, json.dumps({"instances": drawn(chance, ROWS)}))
        assert connection.getresponse().read()
    connection.close()

    def is_seen() -> bool:
        scraped = proxy.metrics()
        return scraped.value("outrider_records_total", stage="observed") == scraped.accounted()

    eventually(is_seen, "all records to be taken")
    return get(proxy.admin, "/api/v1/drift").json()["models"][0]


def test_a_model_that_leans_on_another_input(start, churn, tmp_path: Path):
    chance = random.Random(0)
    rows, reference = history(tmp_path / "rows.jsonl", churn, chance), tmp_path / "reference.json"
    build = ["profile", "build", str(rows), "-o", str(reference), "--outputs", "no,yes"]
    assert main([*build, "--target", "label"]) == 0
    url = f"http://127.0.0.1:{churn.server_port}"
    settings = {"reference": str(reference), "window": {"rows": 1000, "seconds": "1h"}}
    proxy = start(url, {"drift": settings})

    model = sent(proxy, chance, 20)
    assert {c["state"] for c in [*model["columns"], *model["derived"]]} == {"stable"}, model
    found = model["performance"]
    assert found["is_calibrated"]
    assert found["low"] < found["reference"] < found["high"]

    churn.weights = (0.5, 2.0)
    model = sent(proxy, chance, 20)
    assert {c["name"] for c in model["columns"] if c["state"] == "drift"} == set()
    drifting = {c["name"] for c in model["derived"] if c["state"] == "drift"}
    assert drifting == {"(importance) age", "(importance) income"}
    detected = {
        name: proxy.metric("outrider_drift_detected", model="churn", column=name, side="input")
        for name in ("age", "(importance) age")
    }
    assert detected == {"age": 0, "(importance) age": 1}
