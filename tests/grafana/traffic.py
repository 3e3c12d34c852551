"""What clients send while Prometheus looks on: quiet, then drifting, with all that goes wrong."""

from __future__ import annotations

import http.client
import io
import json
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from tests.grafana.model_server import CHAT, chance
from tests.harness import DEADLINE, Outrider

ROWS = 25
"""Of a request."""
JSON = {"content-type": "application/json"}


def picture() -> bytes:
    """A grey one."""
    held = io.BytesIO()
    Image.new("L", (8, 8), 128).save(held, "PNG")
    return held.getvalue()


PICTURE = picture()


def rows(count: int, shift: float, seed: int) -> list[dict[str, Any]]:
    """Ages, plans and a feature that is often missing."""
    numbers = random.Random(seed)
    return [
        {
            "age": round(numbers.gauss(40 + shift, 10), 3),
            "plan": numbers.choice("aab" if shift else "abc"),
            "visits": None if numbers.random() < 0.1 + shift / 50 else numbers.randrange(9),
        }
        for _ in range(count)
    ]


class Client:
    """One sidecar's, on a connection of its own."""

    def __init__(self, proxy: Outrider) -> None:
        self.proxy, self.address = proxy, proxy.address
        self.connection = http.client.HTTPConnection(*proxy.address, timeout=DEADLINE)
        self.sent = 0

    def ask(self, path: str, body: object, kind: str = "application/json") -> int:
        """The answer's status."""
        self.sent += 1
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        self.connection.request("POST", path, text, {"content-type": kind})
        got = self.connection.getresponse()
        got.read()
        return got.status

    def is_observed(self) -> bool:
        """Whether the observer has done with all that was sent."""
        return self.proxy.metrics().accounted() >= self.sent

    def churn(self, shift: float) -> None:
        """One request to each version, and one that fails with status 200."""
        for version in ("1", "2", "fail"):
            of = rows(ROWS, shift, self.sent)
            if shift:
                of[0]["visits"] = "many"  # not a number
            kinds = {"age": "FP64", "plan": "BYTES", "visits": "BYTES" if shift else "FP64"}
            inputs = [
                {
                    "name": name,
                    "shape": [ROWS, 1],
                    "datatype": kind,
                    "data": [row[name] for row in of],
                }
                for name, kind in kinds.items()
            ]
            assert self.ask("/v2/models/churn/infer", {"id": version, "inputs": inputs}) == 200

    def all_kinds(self) -> None:
        """What else a dashboard shows: business, silent failures, errors, streams."""
        n = self.sent
        amount = n % 7 * 100 - 100
        self.ask("/score", {"amount": amount, "email": "someone@example.com"})
        self.ask("/score", {"amount": amount})
        self.ask("/v2/models/churn/infer", "no JSON")
        self.ask("/v1/models/eye:predict", PICTURE, "image/png")
        self.ask("/v1/models/broken:predict", {"instances": [{"x": n}]})
        self.ask("/v1/models/silent:predict", {"instances": [{"x": n}]})
        self.ask("/v1/models/silent:predict", {"instances": [{"x": n + 1}]})
        self.ask("/v1/models/silent:predict", "no JSON")
        self.ask("/nowhere", {})
        for tokens in (10, 50, 200):
            self.chat(tokens)
        self.leave()

    def chat(self, tokens: int) -> None:
        words = [{"role": "user", "content": "Say something"}]
        body = {"model": "parrot", "stream": True, "max_tokens": tokens, "messages": words}
        assert self.ask(CHAT, body) == 200

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """A request whose body does not end."""
        with socket.create_connection(self.address, timeout=DEADLINE) as sock:
            head = "POST /score HTTP/1.1\r\nHost: m\r\nContent-Length: 9\r\n\r\n{"
            sock.sendall(head.encode())
            yield

    def leave(self) -> None:
        """A stream whose reader goes after its first bytes."""
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE)
        words = [{"role": "user", "content": "Say much"}]
        body = {"model": "parrot", "stream": True, "max_tokens": 200, "messages": words}
        connection.request("POST", CHAT, json.dumps(body), JSON)
        connection.getresponse().read(5)
        connection.close()


def profile_rows() -> str:
    """Rows for `outrider profile build`, as JSON Lines: what the quiet traffic is drawn from."""
    found = rows(2000, 0, 1)
    for row in found:
        row["score"] = chance(row["age"])
        row["chances-0"], row["chances-1"] = chance(row["age"]), 1 - chance(row["age"])
    return "".join(json.dumps(row) + "\n" for row in found)
