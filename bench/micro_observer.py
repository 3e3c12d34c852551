"""CPU µs an exchange of each step of the observer: `python -m bench.micro_observer`.

In one process and without sockets: frames as a worker sends them go to the receiver, spans and
lines to senders whose sinks throw them away. What the kernel takes is not in it; `python -m bench
observed` has the whole.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence

from agent.decode.registry import decode
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.exchange import ABSENT, FRAME, Exchange, encode
from agent.exchange import decode as read
from agent.ledger import Ledger
from agent.observer.outlets import Outlets
from agent.observer.pipeline import Pipeline
from agent.observer.receive import Receiver
from agent.observer.redact import Redactor
from agent.observer.shedding import Shedder
from agent.quality.monitor import Quality
from agent.settings.redaction import Redact
from agent.ship.http import gzip
from agent.ship.outcome import OK, Outcome
from agent.ship.queue import MemoryQueue, Record
from agent.ship.sender import Sender
from agent.signals import resource
from agent.signals.exemplars import Exemplars
from agent.signals.logs import LogFormatter
from agent.signals.span_parts import Upstream
from agent.signals.traces import SpanEncoder
from bench.workload import ANSWER, BODIES, PATH, bodies

BATCH = 256
FRAMES = 40
ROUNDS = 9


class Nowhere:
    """A sink that is always glad."""

    async def push(self, batch: Sequence[Record]) -> Outcome:
        return OK

    async def close(self) -> None:
        return None


def exchanges() -> list[tuple[object, ...]]:
    """Plain records as the worker makes them of the bench's requests."""
    numbers = random.Random(1)
    now = time.time_ns()
    cycle = bodies()

    def record(n: int) -> tuple[object, ...]:
        bits = numbers.getrandbits(256).to_bytes(32, "big")
        duration = numbers.uniform(0.0005, 0.003)
        return (
            now + n * 60_000, numbers.getrandbits(128).to_bytes(16, "big").hex().encode(),
            b"POST", PATH.encode(), "1.1", "/v1/models/{model}:predict", "demo", 200, "",
            duration, duration * 0.1, ABSENT, duration * 0.7, duration * 0.01, duration * 0.2,
            160, len(ANSWER), 1, 0.0, duration * 0.7, False, "127.0.0.1", True, False, "",
            (bits[:16], bits[16:24], bits[24:], b"", b""),
            [
                (b"Host", b"127.0.0.1:34567"),
                (b"Content-Type", b"application/json"),
                (b"Content-Length", b"160"),
            ],
            [
                (b"Server", b"nginx/1.22.1"),
                (b"Date", b"Wed, 25 Nov 2026 00:14:00 GMT"),
                (b"Content-Type", b"application/json"),
                (b"Content-Length", b"29"),
                (b"Connection", b"keep-alive"),
            ],
            "full", (cycle[n % BODIES], b"", 0), (ANSWER.encode(), b"", 0),
        )  # fmt: skip

    return [record(n) for n in range(FRAMES * BATCH)]


def frames(records: list[tuple[object, ...]]) -> Iterator[bytes]:
    """One batch each."""
    for first in range(0, len(records), BATCH):
        yield encode(0, first, 0, records[first : first + BATCH])


def report(name: str, count: int, work: Callable[[], object]) -> None:
    """The fastest and the middle of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) / count * 1e6)
    times.sort()
    print(f"{name:34} {times[0]:6.2f} {times[ROUNDS // 2]:6.2f} µs")


class Parts:
    """What an observer with `observe: all` has."""

    def __init__(self) -> None:
        self.ledger = Ledger(1)
        self.senders = [Sender(name, "", Nowhere(), MemoryQueue()) for name in ("spans", "lines")]
        upstream = Upstream.of("http://127.0.0.1:8000")
        attributes = resource.serialize(resource.make("0"))
        self.spans = SpanEncoder(attributes, "0", upstream, "http", lambda: os.urandom(8))
        self.lines = LogFormatter("model")
        self.monitor = Monitor(Settings())
        self.quality = Quality()
        self.exemplars = Exemplars()
        outlets = Outlets(
            exemplars=self.exemplars.update,
            spans=self.spans,
            span_senders=self.senders[:1],
            lines=self.lines,
            payload_log=None,
            stdout=self.senders[1:],
            log_senders=(),
            drift=self.monitor.add,
            quality=self.quality.add,
            unseen=self.monitor.miss,
            strange=self.monitor.strange,
            values=lambda *_: None,
            rows=lambda _: None,
        )
        log = logging.getLogger("outrider")
        shedder = Shedder(self.ledger.observer)
        self.pipeline = Pipeline(outlets, redactor(), shedder, log)
        self.receiver = Receiver(self.ledger, self.handle, lambda _: True)

    def handle(self, batch: list[Exchange], _: int = 0) -> int:
        """Whenever the frames were made: nothing is to be shed for it."""
        return self.pipeline.handle(batch, 0)


def redactor() -> Redactor:
    """With the rules that are there by default."""
    return Redactor(Redact(), b"k" * 16)


def decoding(monitor: Monitor, ledger: Ledger) -> Callable[[list[Exchange]], object]:
    """The pipeline with no other steps."""
    outlets = Outlets(
        exemplars=lambda _: None,
        spans=None,
        span_senders=(),
        lines=None,
        payload_log=None,
        stdout=(),
        log_senders=(),
        drift=monitor.add,
        quality=Quality().add,
        unseen=monitor.miss,
        strange=monitor.strange,
        values=lambda *_: None,
        rows=lambda _: None,
    )
    log = logging.getLogger("outrider")
    pipeline = Pipeline(outlets, redactor(), Shedder(ledger.observer), log)
    return lambda batch: pipeline.handle(batch, 0)


async def measure() -> None:
    """Prints a table."""
    records = exchanges()
    count = len(records)
    wire = list(frames(records))
    payloads = [frame[FRAME.size :] for frame in wire]
    parts = Parts()
    for sender in parts.senders:
        sender.start()

    batches = [[Exchange(*record) for record in records[n : n + BATCH]]  # type: ignore[arg-type]
               for n in range(0, count, BATCH)]  # fmt: skip
    decoded = [decode(exchange).payload for batch in batches for exchange in batch]
    known = [payload for payload in decoded if payload is not None]
    dialects = ["kserve_v1"] * BATCH
    encoded = [made.data for batch in batches if (made := parts.spans.encode(batch))]

    def each(work: Callable[[list[Exchange]], object]) -> Callable[[], None]:
        def run() -> None:
            for batch in batches:
                work(batch)

        return run

    def add() -> None:
        for payload in known:
            parts.monitor.add(payload)

    def examine() -> None:
        for payload in known:
            parts.quality.add(payload)

    def whole() -> None:
        for frame in wire:
            parts.receiver.data_received(frame)

    add()
    report("frames read", count, lambda: [read(payload) for payload in payloads])
    report("exemplars", count, each(parts.exemplars.update))
    report("spans", count, each(parts.spans.encode))
    report(
        "decode, one by one", count, each(lambda batch: [decode(exchange) for exchange in batch])
    )
    report("drift, one by one", count, add)
    report("findings, one by one", count, examine)
    report("decode, drift and findings", count, each(decoding(parts.monitor, parts.ledger)))
    report("lines", count, each(lambda batch: parts.lines.lines(batch, dialects)))
    report("lines with labels", count, each(lambda batch: parts.lines.records(batch, dialects)))
    report("gzip of spans", count, lambda: [gzip(data) for data in encoded])
    report("pipeline", count, each(parts.handle))
    report("receiver and pipeline", count, whole)
    for sender in parts.senders:
        await sender.stop(1)


if __name__ == "__main__":
    asyncio.run(measure())
