"""CPU µs an exchange of each signal, in batches of 512: `python -m tests.signals.measure`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from agent.signals import resource
from agent.signals.exemplars import Exemplars
from agent.signals.logs import LogFormatter
from agent.signals.span_parts import Upstream
from agent.signals.traces import SpanEncoder
from tests.signals.factory import USUAL

BATCH = [
    USUAL._replace(
        start_ns=USUAL.start_ns + n * 50_000,
        request_id=os.urandom(8).hex().encode(),
        target=bytes(bytearray(USUAL.target)),
        trace=(os.urandom(16), os.urandom(8), os.urandom(8), os.urandom(8) if n % 2 else b"", b""),
        request_size=150 + n % 20,
        response_size=60 + n % 9,
    )
    for n in range(512)
]


def best(name: str, work: Callable[[], object], rounds: int = 40) -> None:
    """The fastest of some rounds, so that what else runs on the machine counts least."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    print(f"{name:40} {min(times) / len(BATCH) * 1e6:6.2f} µs")


def main() -> None:
    encoder = SpanEncoder(
        resource.serialize(resource.make("0")),
        "0",
        Upstream.of("http://127.0.0.1:8000"),
        "http",
        lambda: os.urandom(8),
    )
    exemplars = Exemplars()
    best("both spans", lambda: encoder.encode(BATCH))
    logs = LogFormatter("outrider")
    best("log lines", lambda: logs.lines(BATCH))
    best("log lines with labels and metadata", lambda: logs.records(BATCH))
    best("exemplars", lambda: exemplars.update(BATCH))


if __name__ == "__main__":
    main()
