"""What the observer reads: frames of the bus, bodies of every dialect, answers of its sinks."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

from grpc import StatusCode

from agent.decode import registry
from agent.decode.cli import lines
from agent.decode.explain import explained
from agent.decode.payload import Decoded
from agent.decode.rules.routes import Routes
from agent.exchange import Exchange
from agent.exchange import decode as decode_frame
from agent.ledger import OBSERVER, Ledger
from agent.observer.decodes import Decodes
from agent.observer.receive import Receiver
from agent.ship import loki, otlp_grpc, otlp_http
from agent.ship.http import Answer
from agent.ship.outcome import Outcome

LEDGER = Ledger(2)
NOW = 1_800_000_000.0
MAX_STATUS = 8192
"""Characters that the status has of a route."""
TYPES = (b"application/json", b"text/plain", b"", b"application/x-ndjson; charset=utf-16")


def exchange(data: bytes) -> None:
    """A payload is records, or raises what it says; a connection ends or goes on, and counts."""
    try:
        first, batch = decode_frame(data)
    except ValueError:
        return
    assert all(type(one) is Exchange for one in batch)
    assert isinstance(first, int)


def frames(data: bytes) -> None:
    """A receiver raises only what `decode` may; what it had handled before stays counted."""
    handled: list[int] = []
    before = LEDGER.observer[OBSERVER["received"]]
    LEDGER.done[0] = LEDGER.done[1] = 0
    connection = Receiver(
        LEDGER, lambda batch, sent: handled.append(len(batch)) or 0, lambda pid: True
    )
    gone: list[bool] = []
    transport = SimpleNamespace(get_extra_info=lambda name: None, abort=lambda: gone.append(True))
    connection.connection_made(transport)
    try:
        for at in range(0, len(data), 64):
            if not gone:
                connection.data_received(data[at : at + 64])
    except ValueError:
        pass
    assert LEDGER.observer[OBSERVER["received"]] - before == sum(handled)


def decode(data: bytes) -> None:
    """Any two bodies are columns of one length each, or an outcome that says why not."""
    kind, split = data[:1], data[1:].split(b"\0\0", 1)
    flags = kind[0] if kind else 0
    fields = [(b"Content-Type", TYPES[flags & 3])]
    if flags & 4:
        fields.append((b"content-encoding", (b"gzip", b"deflate")[flags >> 3 & 1]))
    asked, answered = split[0], split[1] if len(split) > 1 else b'{"predictions": [1]}'
    _sound_columns(registry.decode(_exchange(fields, asked, answered)))


def entrance(data: bytes) -> None:
    """Of any two heads and bodies too, and what is told of them is plain data and bounded.

    A target, the request's head and body, the answer's head and body; heads as in HTTP, each part
    ended by two zero bytes.
    """
    target, asked_head, asked, answered_head, answered = (data.split(b"\0\0", 4) + [b""] * 4)[:5]
    exchange = _exchange(_fields(asked_head), asked, answered)._replace(
        target=target, response_fields=_fields(answered_head)
    )
    found = registry.decode(exchange)
    _sound_columns(found)
    told = explained(exchange, bool(answered), Routes())
    assert told["outcome"] in ("ok", found.outcome)
    json.dumps(told, allow_nan=False)
    assert "\n".join(lines(told)).replace("\n", "").isprintable()
    counts = Decodes()
    counts.add((exchange.route, found.dialect, found.outcome, found.evidence), 1)
    counts.refused(exchange, found)
    assert len(json.dumps(counts.status())) < MAX_STATUS


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    parts = [line.partition(b":") for line in head.split(b"\n")]
    return [(name, value.strip()) for name, colon, value in parts if colon]


def _sound_columns(decoded: Decoded) -> None:
    """Columns of one length each, or an outcome that says why there are none."""
    payload = decoded.payload
    if payload is None:
        assert decoded.outcome not in ("ok", "inputs_only"), decoded
        return
    for columns, rows in ((payload.inputs, payload.rows), (payload.outputs, payload.output_rows)):
        for name, values in columns.items():
            assert isinstance(name, str)
            assert len(values) <= max(rows, 0), (name, len(values), rows)


def _exchange(fields: list[tuple[bytes, bytes]], asked: bytes, answered: bytes) -> Exchange:
    return Exchange(
        start_ns=1, request_id=b"1", method=b"POST", target=b"/v1/models/m:predict",
        version="1.1", route="/", model="", status=200, error="", duration=0.1, sent=0.0,
        connect=-1.0, upstream=0.1, stream=0.0, overhead=0.0, request_size=len(asked),
        response_size=len(answered), pieces=1, largest_gap=0.0, first_piece=0.1,
        streamed=False, client="::1",
        upstream_reused=True, resent=False, upgrade="", trace=None, request_fields=fields,
        response_fields=[], capture="full", request_body=(asked, b"", 0),
        response_body=(answered, b"", 0),
    )  # fmt: skip


def sinks(data: bytes) -> None:
    """Whatever a collector or Loki answers is one of the outcomes, with a time to wait."""
    status = int.from_bytes(data[:2], "big") % 700
    after, _, body = data[2:].partition(b"\n")
    retry = after.decode("latin-1") if after else None
    for verdict in (loki.verdict, otlp_http.verdict):
        _sound(verdict(Answer(status, retry, body), NOW))
    error = SimpleNamespace(
        code=lambda: (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE)[status & 1],
        trailing_metadata=lambda: [
            ((otlp_grpc.RETRY_INFO, otlp_grpc.STATUS_DETAILS)[status >> 1 & 1], body)
        ],
    )
    _sound(otlp_grpc.verdict(error))


def _sound(outcome: Outcome) -> None:
    after = outcome.after
    assert after is None or (math.isfinite(after) and after >= 0), outcome
