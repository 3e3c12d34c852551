"""Outrider's side of the evaluation of drift: `python -m bench.evaluation_outrider`.

Rows are in memory as decoded payloads have them: columns of Python values, a thousand rows each.
One window holds them all; it is over, and judged, with the last row.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from agent import __version__
from agent.decode.payload import Payload
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import Profile
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from bench import asked

PAYLOAD_ROWS = 1000


@cache
def columns(file: str) -> dict[str, list[Any]]:
    """As they were written."""
    found: dict[str, list[Any]] = json.loads(Path(file).read_text())
    return found


@cache
def payloads(file: str) -> list[Payload]:
    """All rows, each of a request of its own, decoded a thousand at a time."""
    found = columns(file)
    rows = len(next(iter(found.values())))
    made = []
    for at in range(0, rows, PAYLOAD_ROWS):
        part = {name: tuple(values[at : at + PAYLOAD_ROWS]) for name, values in found.items()}
        size = min(PAYLOAD_ROWS, rows - at)
        made.append(
            Payload("", "", "", inputs=part, outputs={}, rows=size, output_rows=0, left_out=0,
                    sizes=((), None))
        )  # fmt: skip
    return made


@cache
def reference(file: str) -> tuple[Profile, float]:
    """The profile of these rows, and the CPU seconds that it took."""
    found = columns(file)
    rows = len(next(iter(found.values())))
    with asked.Clock() as clock:
        profile = build_profile(lambda: iter((Batch(found, rows),)))
    return profile, clock.seconds


def run(reference_file: str, file: str) -> dict[str, Any]:
    """CPU seconds of an evaluation, and the columns that drift."""
    profile, building = reference(reference_file)
    given = payloads(file)
    rows = sum(payload.rows for payload in given)
    with asked.Clock() as clock:
        monitor = Monitor(Settings(window_rows=rows), References(profile))
        for payload in given:
            monitor.add(payload)
    (model,) = monitor.models.values()
    assert model.windows == 1
    verdicts = {column.base.column.name: column.verdict for column in model.columns}
    return {
        "seconds": clock.seconds,
        "building": building,
        "rows": {name: verdict.rows if verdict else 0 for name, verdict in verdicts.items()},
        "drift": sorted(
            n for n, verdict in verdicts.items() if verdict and verdict.state == "drift"
        ),
    }


if __name__ == "__main__":
    asked.answer({"Outrider": __version__}, {"run": run})
