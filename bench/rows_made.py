"""The rows that libraries are measured with, and how both sides read them.

Rule: the standard library only, since peers' environments import it too.

A row has columns of the bench's own five kinds (`workload.py`), again and again with a number
added to their names. A file has one row a line, as a Python client's `json.dumps` writes it.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

KINDS = ("age", "income", "tenure", "segment", "score")
SEGMENTS = ("gold", "silver", "bronze")

Row = dict[str, float | int | str]
Seen = dict[str, Any]
"""Of each column how many values there were, and their sum or how often each text came."""


def row(columns: int, numbers: random.Random) -> Row:
    """One row of so many columns."""
    made: Row = {}
    for n in range(0, columns, len(KINDS)):
        values = (
            numbers.gauss(41.5, 9.0),
            numbers.lognormvariate(10.8, 0.4),
            numbers.randrange(120),
            numbers.choice(SEGMENTS),
            numbers.random(),
        )
        made |= {f"{kind}_{n // 5}": v for kind, v in zip(KINDS, values, strict=True)}
    return made


def write(file: Path, columns: int, rows: int) -> None:
    """The same rows each time."""
    numbers = random.Random(columns)
    file.write_text("".join(json.dumps(row(columns, numbers)) + "\n" for _ in range(rows)))


def lines(file: str) -> list[bytes]:
    """The rows as text."""
    return Path(file).read_bytes().splitlines()


def parsed(file: str) -> list[Row]:
    """The rows as objects."""
    return [json.loads(line) for line in lines(file)]


def seen_in(rows: list[Row]) -> Seen:
    """What a library should have seen of rows."""
    seen: Seen = {}
    for name in rows[0]:
        values = [one[name] for one in rows]
        texts = Counter(value for value in values if isinstance(value, str))
        what = dict(texts) or math.fsum(float(value) for value in values)
        seen[name] = [len(values), what]
    return seen


def differences(one: Seen, other: Seen) -> list[str]:
    """The columns of which two libraries did not see the same; sums may differ by rounding."""
    return [
        name
        for name in sorted(one.keys() | other.keys())
        if name not in one or name not in other or not _same(one[name], other[name])
    ]


def _same(one: list[Any], other: list[Any]) -> bool:
    if isinstance(one[1], float) and isinstance(other[1], float):
        return one[0] == other[0] and math.isclose(one[1], other[1], rel_tol=1e-9)
    return one == other
