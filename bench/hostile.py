"""What hostile payloads cost, beside a normal one of their size: `python -m bench.hostile`.

Through the pipeline, as they come: decoded and given to drift. The normal one is as many bytes of
`instances` with five columns; of compressed ones, as many as they may unpack to. Memory is the
most that was held on the way, by tracemalloc.
"""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from collections.abc import Callable
from functools import lru_cache

from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.exchange import Exchange
from agent.ledger import Ledger
from bench.hostile_made import CASES, Hostile
from bench.micro_observer import decoding, exchanges

ROUNDS = 5
ROW = {"age": 39.5, "income": 51234.25, "plan": "basic", "city": "Rome", "active": True}
LIMIT = 10


def normal(size: int) -> bytes:
    """A request of at least so many bytes, in the usual form."""
    row = json.dumps(ROW)
    return ('{"instances": [' + ", ".join([row] * (size // (len(row) + 2) + 1)) + "]}").encode()


def handler() -> Callable[[list[Exchange]], object]:
    """Decode and drift, which begin anew."""
    return decoding(Monitor(Settings()), Ledger(1))


def cost(exchange: Exchange) -> tuple[float, float]:
    """Seconds, the fastest of some, and MiB at most, of one exchange that is handled."""
    seconds = []
    for _ in range(ROUNDS):
        handle = handler()
        begin = time.process_time()
        handle([exchange])
        seconds.append(time.process_time() - begin)
    handle = handler()
    tracemalloc.start()
    handle([exchange])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), peak / 2**20


def main() -> None:
    """Prints a table; the dearest first."""
    usual = Exchange(*exchanges()[0])  # type: ignore[arg-type]
    request: Callable[[Hostile], Exchange] = lambda case: usual._replace(  # noqa: E731
        request_body=case.captured(), request_fields=case.fields
    )

    @lru_cache
    def of_normal(size: int) -> tuple[float, float]:
        return cost(usual._replace(request_body=(normal(size), b"", 0)))

    found = []
    for name, case in CASES.items():
        exchange = request(case)
        assert exchange.request_body is not None
        size = case.size or max(len(exchange.request_body[0]), 1 << 10)
        size = 1 << round(math.log2(size))  # so that few normal ones are to be measured
        ours, theirs = cost(exchange), of_normal(size)
        found.append((ours[0] / theirs[0], name, ours, theirs, size))
    print(f"{'':40} {'KiB':>8} {'ms':>8} {'normal':>8} {'ratio':>6} {'MiB':>6} {'normal':>6}")
    for ratio, name, ours, theirs, size in sorted(found, reverse=True):
        over = "  over" if ratio > LIMIT else ""
        print(
            f"{name:40} {size >> 10:8} {ours[0] * 1e3:8.2f} {theirs[0] * 1e3:8.2f} {ratio:6.2f} "
            f"{ours[1]:6.1f} {theirs[1]:6.1f}{over}"
        )


if __name__ == "__main__":
    main()
