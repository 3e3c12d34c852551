"""Outrider's side of the question of rows: `python -m bench.rows_outrider`.

The observer's own path: frames as the bus sends them, through the pipeline with decode and drift
and no other step. Both bodies are decoded, windows are judged, and what is buffered at the end is
counted too, as each second does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cache

from agent import __version__
from agent.drift.monitor import Monitor
from agent.drift.reference.sketch import CategoryBins
from agent.drift.settings import Settings
from agent.drift.traffic.model import ModelWatch
from agent.exchange import ABSENT, FRAME, Exchange, decode, encode
from agent.ledger import Ledger
from agent.observer.outlets import Outlets
from agent.observer.pipeline import Pipeline
from agent.observer.shedding import Shedder
from agent.proxy.bus import BATCH_BYTES, BATCH_RECORDS
from bench import asked, rows_made
from bench.micro_observer import redactor

PATH = b"/v1/models/demo:predict"
ANSWER = b"[0.73,0.27]"
"""For each row."""


def exchange(rows: list[bytes]) -> tuple[object, ...]:
    """A plain record as the worker makes it of a request of these rows."""
    request = b'{"instances": [' + b", ".join(rows) + b"]}"
    response = b'{"predictions":[' + b",".join([ANSWER] * len(rows)) + b"]}"
    return tuple(
        Exchange(
            start_ns=1, request_id=b"0123456789abcdef", method=b"POST", target=PATH, version="1.1",
            route="/v1/models/{model}:predict", model="demo", status=200, error="",
            duration=0.002, sent=0.0001, connect=ABSENT, upstream=0.001, stream=0.0,
            overhead=0.0001, request_size=len(request), response_size=len(response), pieces=1,
            largest_gap=0.0, first_piece=0.001, streamed=False, client="127.0.0.1",
            upstream_reused=True, resent=False, upgrade="",
            trace=None, request_fields=[(b"Content-Type", b"application/json")],
            response_fields=[(b"Content-Type", b"application/json")], capture="full",
            request_body=(request, b"", 0), response_body=(response, b"", 0),
        )
    )  # fmt: skip


@cache
def frames(file: str, rows: int, most: int = BATCH_RECORDS) -> list[bytes]:
    """The file's rows as frames of at most `most` requests, each of so many rows."""
    found = rows_made.lines(file)
    records = [exchange(found[n : n + rows]) for n in range(0, len(found), rows)]
    return [encode(0, 0, 0, part)[FRAME.size :] for part in _parts(records, most)]


def _parts(records: list[tuple[object, ...]], most: int) -> Iterator[list[tuple[object, ...]]]:
    """As the bus parts them: by number and by bytes of the bodies."""
    part: list[tuple[object, ...]] = []
    size = 0
    for record in records:
        one = Exchange._make(record)
        part.append(record)
        size += one.request_size + one.response_size
        if len(part) >= most or size >= BATCH_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def pipeline(add: Callable[[object], None]) -> Pipeline:
    """With drift and no other step."""
    outlets = Outlets(
        exemplars=lambda _: None,
        spans=None,
        span_senders=(),
        lines=None,
        payload_log=None,
        stdout=(),
        log_senders=(),
        drift=add,
        quality=lambda _: None,
        unseen=lambda *_: None,
        strange=lambda _: (),
        values=lambda *_: None,
        rows=lambda _: None,
    )
    return Pipeline(outlets, redactor(), Shedder(Ledger(1).observer), logging.getLogger("outrider"))


def feed(monitor: Monitor, given: list[bytes], clock: asked.Clock) -> None:
    """All frames, read just before as the receiver does, which is not timed."""
    handle = pipeline(monitor.add).handle
    few = BATCH_RECORDS if len(decode(given[0])[1]) == 1 else 1
    for at in range(0, len(given), few):
        batches = [decode(frame)[1] for frame in given[at : at + few]]
        with clock:
            for batch in batches:
                handle(batch, 0)
    with clock:
        monitor.tick()


@cache
def warm(file: str, rows: int, most: int) -> Monitor:
    """A monitor that has learned its reference and judges."""
    monitor = Monitor(Settings())
    for _ in range(1000):
        feed(monitor, frames(file, rows, most), asked.Clock())
        if monitor.models["demo", ""].phase == "watching":
            feed(monitor, frames(file, rows, most), asked.Clock())
            return monitor
    raise RuntimeError("no reference was learned")


def run(file: str, rows: int, most: int = BATCH_RECORDS) -> float:
    """CPU seconds of decoding and sketching all rows of the file."""
    clock = asked.Clock()
    feed(warm(file, rows, most), frames(file, rows, most), clock)
    return clock.seconds


def seen(file: str, rows: int) -> rows_made.Seen:
    """What a monitor with that reference has counted of the same rows."""
    model = warm(file, rows, BATCH_RECORDS).models["demo", ""]
    before = _seen(model)
    run(file, rows)
    after = _seen(model)
    return {name: _less(after[name], before[name]) for name in after}


def _seen(model: ModelWatch) -> rows_made.Seen:
    found: rows_made.Seen = {}
    for name, column in model.inputs.columns.items():
        counts = column.totals.tolist()
        total = sum(counts[:-2])
        if isinstance(column.bins, CategoryBins):
            names = column.base.column.categories or []
            found[name] = [total, dict(zip(names, counts, strict=False))]
        else:
            found[name] = [total, column.sum]
    return found


def _less(after: list, before: list) -> list:
    if isinstance(after[1], dict):
        return [after[0] - before[0], {name: n - before[1][name] for name, n in after[1].items()}]
    return [after[0] - before[0], after[1] - before[1]]


if __name__ == "__main__":
    asked.answer({"Outrider": __version__}, {"run": run, "seen": seen})
