"""A model server, its sidecar and their traffic, for looking at the page.

A churn model of five columns in two versions; its reference is a profile of its training rows.
After `calm` traffic `income` moves and a plan that it never had appears; some answers are slow,
some requests fail.
"""

from __future__ import annotations

import csv
import http.client
import itertools
import json
import math
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness import ROOT, Outrider

MODEL = "churn"
ROWS = 20
"""A request's."""
COUNTRIES = ("de", "fr", "it", "es", "pl")
SLOW = 0.12
"""Seconds of a slow answer."""

Row = dict[str, Any]


def person(rng: random.Random, moved: bool = False) -> Row:
    """A row of the training data, or of what came later."""
    income = rng.lognormvariate(10.4, 0.35) * (1.45 if moved else 1)
    plans = ("basic", "plus", "pro", "student") if moved else ("basic", "plus", "pro")
    weights = (4, 3, 2, 3) if moved else (5, 3, 2)
    return {
        "age": None if moved and rng.random() < 0.04 else round(rng.gauss(41, 12)),
        "income": round(income),
        "tenure": round(rng.expovariate(1 / 30), 1),
        "plan": rng.choices(plans, weights)[0],
        "country": rng.choices(COUNTRIES, (6, 4, 3, 2, 1))[0],
    }


def predicted(row: Row) -> Row:
    """What the model says of a row."""
    z = 0.8 - row["tenure"] / 30 + (row["plan"] == "basic") * 0.7 - row["income"] / 90_000
    score = 1 / (1 + math.exp(-z))
    return {"label": "leaves" if score > 0.5 else "stays", "probability": round(score, 4)}


class Model(BaseHTTPRequestHandler):
    """KServe V1; a tenant `slow` waits and `broken` gets a 500. Takes spans too, for nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """An answer is one write: of two the second would wait for the client's acknowledgement."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/traces":
            return self._send(200, b"", "application/x-protobuf")
        tenant = self.headers.get("X-Tenant", "")
        if tenant == "slow":
            time.sleep(SLOW)
        if tenant == "broken":
            return self._answer(500, {"error": "CUDA out of memory"})
        if tenant == "missing":
            return self._answer(404, {"error": "no such model"})
        try:
            rows = json.loads(body)["instances"]
            answers = [predicted(row) for row in rows]
        except (ValueError, KeyError, TypeError):
            answers = [0.5]
        self._answer(
            200, {"predictions": answers, "model_version": self.headers.get("X-Version", "3")}
        )

    def do_GET(self) -> None:
        self._answer(200, {"status": "ok"})

    def _answer(self, status: int, said: Any) -> None:
        self._send(status, json.dumps(said).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


class Scene:
    """All of it, from `with` to its end."""

    def __init__(
        self, folder: Path, settings: dict[str, Any] | None = None, window: str = "2s"
    ) -> None:
        self.rng = random.Random(8)
        self._stack = ExitStack()
        server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        reference = build_reference(folder, self.rng)
        origin = f"http://127.0.0.1:{server.server_port}"
        usual = {
            "drift": {
                "references": {MODEL: str(reference)},
                "window": {"rows": 2000, "seconds": window},
            },
            "capture": {"payload_log": True},
            "links": {"trace": "https://jaeger.example/trace/{trace_id}"},
        }
        spans = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": origin,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
        }
        sidecar = Outrider(origin, usual | (settings or {}), env=spans)
        self.outrider = self._stack.enter_context(sidecar)

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def page(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.outrider.admin[1]}/"

    def ask(self, rows: list[Row], path: str | None = None, **fields: str) -> int:
        """One request on a connection of its own; the status of its answer."""
        client = http.client.HTTPConnection(*self.outrider.address, timeout=20)
        try:
            body = json.dumps({"instances": rows})
            trace = f"00-{self.rng.getrandbits(128):032x}-{self.rng.getrandbits(64):016x}-01"
            given = {"Content-Type": "application/json", "traceparent": trace} | {
                name.replace("_", "-"): value for name, value in fields.items()
            }
            client.request("POST", path or f"/v1/models/{MODEL}:predict", body, given)
            answer = client.getresponse()
            answer.read()
            return answer.status
        finally:
            client.close()

    def traffic(self, requests: int, moved: bool = False, **fields: str) -> None:
        """So many requests of `ROWS` rows."""
        for _ in range(requests):
            self.ask([person(self.rng, moved) for _ in range(ROWS)], **fields)

    def keep_on(self) -> None:
        """From now on drifting traffic of both versions goes on by itself, until the end."""
        over = threading.Event()

        def go() -> None:
            for n in itertools.count():
                if over.wait(0.04):
                    return
                self.traffic(1, moved=True, X_Version="4" if n % 4 == 0 else "3")

        thread = threading.Thread(target=go)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(over.set)

    def trouble(self) -> None:
        """Slow ones, failures of the server and of a client."""
        for tenant in ("slow", "slow", "slow", "broken", "broken", "missing"):
            self.traffic(1, X_Tenant=tenant)


def build_reference(folder: Path, rng: random.Random) -> Path:
    """The profile of the training rows and of what the model said of them."""
    rows = [person(rng) for _ in range(4000)]
    data, profile = folder / "train.csv", folder / "reference.json"
    with data.open("w", newline="") as file:
        answers = [predicted(row) for row in rows]
        writer = csv.DictWriter(file, [*rows[0], *answers[0]])
        writer.writeheader()
        writer.writerows(row | answer for row, answer in zip(rows, answers, strict=True))
    command = [sys.executable, "-m", "agent", "profile", "build", str(data), "-o", str(profile)]
    command += ["--model", MODEL, "--outputs", "label,probability"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return profile
