"""What redaction and kept examples cost: python -m tests.observer.measure."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from agent.decode.payload import Decoded, Payload
from agent.decode.rules.routes import Routes
from agent.observer.kept import KeptExchanges
from agent.observer.payload_log import PayloadLog
from agent.observer.redact import Redactor
from agent.settings.redaction import Redact
from tests.signals.factory import USUAL

N = 512
IRIS = {"instances": [{"age": 39, "plan": "gold", "income": 5.1, "city": "Bonn", "tenure": 3}]}


def best(name: str, work: Callable[[], object], each: int = N, rounds: int = 30) -> None:
    """The fastest of some rounds, so that what else runs on the machine counts least."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    print(f"{name:52} {min(times) / each * 1e6:7.2f} µs")


def main() -> None:
    one = Redactor(Redact(), b"k" * 16)
    same = [USUAL] * N
    best("request, target seen before", lambda: [one.exchange(x) for x in same])
    hidden = [USUAL._replace(target=b"/p?user=ann%40example.com&token=a")] * N
    best("request, target seen before, hidden parts", lambda: [one.exchange(x) for x in hidden])

    def fresh() -> None:
        new = Redactor(Redact(), b"k" * 16)
        for n in range(N):
            new.exchange(USUAL._replace(target=b"/v1/models/iris:predict?id=%d" % n))

    best("request, target never seen", fresh)
    for count in (5, 500):
        columns = {f"feature_{n}": [1.0] for n in range(count)}
        payload = Payload("iris", "1", "", columns, {"y": [0.5]}, 1, 1, 0)
        best(f"payload of {count} columns", lambda p=payload: [one.payload(p) for _ in range(N)])  # type: ignore[misc]
    body = json.dumps(IRIS).encode()
    answer = b'{"predictions":[0.25]}'
    x = USUAL._replace(request_body=(body, b"", 0), response_body=(answer, b"", 0))
    log = PayloadLog(one, 4096)
    best("payload log, 5 columns", lambda: [log(x) for _ in range(N)])
    text = "Jane went to the market on 5 May. " * 1000
    y = x._replace(request_body=(json.dumps({"prompt": text}).encode(), b"", 0))
    best("payload log, a prompt of 34 KB cut at 4 KiB", lambda: [log(y) for _ in range(20)], 20, 5)
    big = x._replace(request_body=(json.dumps([[0.123456] * 100] * 1000).encode(), b"", 0))
    best(
        "payload log, 1,000 rows of 100 cut at 4 KiB", lambda: [log(big) for _ in range(20)], 20, 5
    )
    kept, found, clock = KeptExchanges(lambda _: ()), [Decoded(None, "tabular", "ok")] * N, [0]

    def keep() -> None:
        clock[0] += N * 10**5
        kept.add([*same[1:], USUAL._replace(start_ns=clock[0])], found, (), Routes())

    best("kept examples, 10,000 requests a second", keep)


if __name__ == "__main__":
    main()
