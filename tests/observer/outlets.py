"""A pipeline whose outlets write down what they are given, and choke where they are told to."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from agent.decode.rules.routes import Routes
from agent.exchange import Exchange
from agent.ledger import OBSERVER, Ledger
from agent.observer.outlets import Outlets
from agent.observer.pipeline import Pipeline
from agent.observer.redact import Redactor
from agent.observer.shedding import Shedder
from agent.settings.redaction import Redact
from tests.signals.factory import USUAL

POISON = b"poison"


class PoisonError(Exception):
    """What a step raises on the record that it cannot take."""


def body(value: object) -> tuple[bytes, bytes, int]:
    return json.dumps(value).encode(), b"", 0


def usual(request_id: bytes) -> Exchange:
    return USUAL._replace(
        request_id=request_id,
        request_body=body({"instances": [{"age": 39, "plan": "a"}]}),
        response_body=body({"predictions": [0.25]}),
    )


def batch(*ids: bytes) -> list[Exchange]:
    return [usual(one) for one in ids]


class Everything:
    """All outlets, which write down what they are given and choke on the poison if told to."""

    def __init__(self, choke: str = "") -> None:
        self.choke = choke
        self.examples: list[bytes] = []
        self.encoded: list[list[bytes]] = []
        self.payloads: list[Any] = []
        self.examined: list[Any] = []
        self.unseen: list[Any] = []
        self.values: list[Any] = []
        self.strange: list[tuple[str, str]] = []
        self.dialects: dict[bytes, str] = {}
        self.sent: dict[str, list[Any]] = {"spans": [], "more spans": [], "stdout": [], "logs": []}

    def _take(self, step: str, part: Sequence[Exchange]) -> list[bytes]:
        ids = [exchange.request_id for exchange in part]
        if self.choke in (step, "all") and POISON in ids:
            raise PoisonError(step)
        return ids

    def exemplars(self, part: Sequence[Exchange]) -> None:
        self.examples += self._take("exemplars", part)

    def encode(self, part: Sequence[Exchange]) -> tuple[int, bytes, int] | None:
        ids = self._take("spans", part)
        self.encoded.append(ids)
        return (part[-1].start_ns, b",".join(ids), 2 * len(ids)) if part[0].trace else None

    def lines(
        self, part: Sequence[Exchange], dialects: Sequence[str], payloads: Any
    ) -> list[bytes]:
        return [line[1] for line in self.records(part, dialects, payloads)]

    def records(
        self, part: Sequence[Exchange], dialects: Sequence[str], payloads: Any
    ) -> list[Any]:
        ids = self._take("logs", part)
        self.dialects.update(zip(ids, dialects, strict=True))
        return [(n, one, (("l", "1"),), (("m", "2"),)) for n, one in enumerate(ids)]

    def drift(self, payload: Any) -> None:
        if self.choke in ("drift", "all") and payload.rows == 2:
            raise PoisonError("drift")
        self.payloads.append(payload)

    def sender(self, name: str) -> Any:
        kept = self.sent[name]

        class Sender:
            def put(self, records: Sequence[Any]) -> None:
                kept.extend(records)

        return Sender()

    def outlets(self, **without: Any) -> Outlets:
        made: dict[str, Any] = {
            "exemplars": self.exemplars,
            "spans": self,
            "span_senders": [self.sender("spans"), self.sender("more spans")],
            "lines": self,
            "payload_log": None,
            "stdout": [self.sender("stdout")],
            "log_senders": [self.sender("logs")],
            "drift": self.drift,
            "quality": self.examined.append,
            "unseen": lambda *missed: self.unseen.append(missed),
            "values": lambda *found: self.values.append(found),
            "strange": lambda payload: self.strange,
            "rows": lambda payload: None,
        }
        return Outlets(**{**made, **without})


class Run:
    """A pipeline to which every batch is `age` ns old."""

    def __init__(
        self, choke: str = "", age: int = 0, routes: Routes | None = None, **without: Any
    ) -> None:
        self.out = Everything(choke)
        self.counters = Ledger(1).observer
        self.age = age
        self.pipeline = Pipeline(
            self.out.outlets(**without),
            Redactor(Redact(), b"k" * 16),
            Shedder(self.counters),
            logging.getLogger("outrider-test"),
            routes,
        )

    def handle(self, batch: list[Exchange]) -> int:
        return self.pipeline.handle(batch, self.age)

    def shed(self) -> dict[str, int]:
        names = ("shed_sketches", "shed_payload_logs", "shed_logs", "shed_spans")
        counted = {name: self.counters[OBSERVER[name]] for name in names}
        return {name: count for name, count in counted.items() if count}
