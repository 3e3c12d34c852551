"""The one request that everybody is measured with.

A KServe V1 prediction of one row of five columns, 160 bytes, as a Python client's `json.dumps`
would write it; values vary from request to request as real ones do, so that sketches, learned
references and log lines have real work.
"""

from __future__ import annotations

import json
import random

PATH = "/v1/models/demo:predict"
BODY_BYTES = 160
COLUMNS = ("age", "income", "tenure", "segment", "score")
ANSWER = '{"predictions":[[0.73,0.27]]}'
BODIES = 1024
"""Different bodies in the cycle."""


def body(random_numbers: random.Random) -> bytes:
    """One request body of exactly `BODY_BYTES` bytes."""
    row = {
        "age": random_numbers.gauss(41.5, 9.0),
        "income": random_numbers.lognormvariate(10.8, 0.4),
        "tenure": random_numbers.randrange(120),
        "segment": random_numbers.choice(("gold", "silver", "bronze")),
        "score": random_numbers.random(),
    }
    text = json.dumps({"instances": [row]})
    return text.ljust(BODY_BYTES).encode()


def bodies() -> list[bytes]:
    """The whole cycle, the same in every run."""
    numbers = random.Random(160)
    cycle = [body(numbers) for _ in range(BODIES)]
    assert all(len(one) == BODY_BYTES for one in cycle)
    return cycle
