"""What peers send to the proxy: requests, responses, heads that were seen before, trace context.

Rule: a target takes any bytes and raises only where a promise is broken.
"""

from __future__ import annotations

import re

import h11

from agent.exchange import Fields
from agent.proxy.capture import Budget
from agent.proxy.head import BadMessage, RequestHead, read_traceparent
from agent.proxy.hop import Hop, Limits, Sampling
from agent.proxy.known import END, Known, KnownRequest, is_plain_request
from agent.proxy.reader import RequestReader
from agent.proxy.response import ResponseReader
from agent.proxy.routes import Routes
from agent.proxy.transaction import Transaction

METHODS = (b"GET", b"HEAD", b"POST")


def hop(traces: bool = False) -> Hop:
    limits = Limits(head_bytes=4096, fields=64)
    return Hop(limits, Sampling(traces=traces), Routes(), Budget(0))


class Heard:
    """A sink that holds its reader to the order of things."""

    def __init__(self) -> None:
        self.whole: list[tuple[bytes, bytes, bytes, bytes, Fields]] = []
        self.heads: list[tuple[str, RequestHead, bytes]] = []
        self._stage = "ended"

    def request_begun(self, method: bytes, target: bytes, version: str, fields: Fields) -> None:
        assert self._stage == "ended"
        self._stage, self._line, self._body = "begun", (method, target, version), b""

    def request_head(self, head: RequestHead, raw: bytes) -> None:
        assert self._stage == "begun"
        self._stage, self._head = "body", head
        self.heads.append((self._line[2], head, raw))

    def request_piece(self, piece: bytes) -> None:
        assert self._stage == "body"
        self._body += piece

    def request_ended(self, trailers: Fields) -> None:
        assert self._stage == "body"
        self._stage = "ended"
        lines = b"".join(self._head.lines)
        self.whole.append((*self._line[:2], lines, self._body, trailers))


def _read(pieces: list[bytes]) -> tuple[Heard, bool]:
    """What was heard of the reads, up to an upgrade that is allowed; and whether it went wrong."""
    heard = Heard()
    requests = RequestReader(hop(), heard)
    try:
        for piece in pieces:
            rest = piece
            while rest and not (heard.heads and heard.heads[-1][1].upgrade):
                rest = requests.read(rest)
    except BadMessage as bad:
        assert 400 <= bad.status < 600
        return heard, True
    return heard, False


def reader(data: bytes) -> None:
    """Any reads of the same bytes are the same requests; what goes on is well-formed for h11."""
    cut = data[0] if data else 0
    data = data[1:]
    at_once, _ = _read([data])
    in_two, _ = _read([data[:cut], data[cut:]])
    assert at_once.whole == in_two.whole, (at_once.whole, in_two.whole)
    bytewise, _ = _read([data[n : n + 1] for n in range(len(data))])
    assert at_once.whole == bytewise.whole, (at_once.whole, bytewise.whole)
    for method, target, lines, body, _trailers in at_once.whole:
        _well_formed(method, target, lines, body)


def _well_formed(method: bytes, target: bytes, lines: bytes, body: bytes) -> None:
    chunked = b"transfer-encoding: chunked\r\n" in lines
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked and body else body
    if chunked and not body:
        framed = b"0\r\n\r\n"
    host = b"" if re.search(rb"(?i)(^|\r\n)host:", lines) else b"host: a\r\n"
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (method, target, lines, host, framed))
    asked = server.next_event()
    assert isinstance(asked, h11.Request)
    assert (asked.method, asked.target) == (method, target)
    got = b""
    while isinstance(event := server.next_event(), h11.Data):
        got += event.data
    assert isinstance(event, h11.EndOfMessage), event
    assert got == body
    assert not server.trailing_data[0]


def known(data: bytes) -> None:
    """A head that is looked up is the head that would have been parsed."""
    kept: Known[KnownRequest] = Known()
    first, bad = _read([data])
    for version, head, raw in first.heads:
        if bad or not raw or not is_plain_request(version, head):
            continue
        lines = b"".join(head.lines)
        kept.keep(raw, KnownRequest(head.length, b"", b"", [], None, lines, head.host))
        end = raw.find(END) + len(END)
        found = kept.get(raw[:end])
        if found is None:
            continue
        again, bad_again = _read([raw[:end] + b"x" * found.length])
        assert not bad_again
        assert len(again.whole) == 1
        assert again.whole[0][2:4] == (found.start, b"x" * found.length)


def response(data: bytes) -> None:
    """What a client gets is what h11 reads of it, complete if and only if it is said to be."""
    if len(data) < 2:
        return
    method, cut = METHODS[data[0] % len(METHODS)], data[1]
    data = data[2:]
    at_once, in_two = (_answer(method, pieces) for pieces in ([data], [data[:cut], data[cut:]]))
    assert at_once[1] == in_two[1], (at_once, in_two)
    if at_once[1]:  # else it is our 502 or an abort, by what had gone out before the fault
        assert at_once == in_two, (at_once, in_two)


def _answer(method: bytes, pieces: list[bytes]) -> tuple[list[object], bool]:
    """What h11 makes of the bytes for the client; and whether the response was over."""
    out, over = _rewritten(method, pieces)
    client = h11.Connection(h11.CLIENT)
    asked = [(b"host", b"a")] + ([(b"content-length", b"0")] if method == b"POST" else [])
    client.send(h11.Request(method=method, target=b"/", headers=asked))
    client.send(h11.EndOfMessage())
    if out:  # nothing is the end of the connection to h11
        client.receive_data(out)
    told: list[object] = []
    body = b""
    while True:
        event = client.next_event()
        if isinstance(event, h11.Data):
            body += event.data
            continue
        if event is h11.NEED_DATA or event is h11.PAUSED:
            break
        told.append(event)
        if isinstance(event, h11.EndOfMessage):
            break
    ended = bool(told) and isinstance(told[-1], h11.EndOfMessage)
    assert ended == over, (out, over)
    assert not over or not client.trailing_data[0], (out, client.trailing_data)
    return [*map(repr, told), body], over


def _rewritten(method: bytes, pieces: list[bytes]) -> tuple[bytes, bool]:
    """The bytes for the client, up to the end of the response or its fault."""
    tx = Transaction(None, method, b"/", "1.1", [], 0.0, 0)
    tx.request_done, tx.request_id = True, b"id"
    responses, out = ResponseReader(hop()), b""
    try:
        for piece in filter(None, pieces):
            tx.pieces += 1
            responses.feed(tx, piece)
            out += b"".join(responses.out)
            responses.out.clear()
            if responses.over:
                return out, True
    except BadMessage as bad:
        assert bad.status == 502
        return (out if responses.head else b""), False
    over = responses.end_of_stream()
    return out + b"".join(responses.out), over


def trace(data: bytes) -> None:
    """Whatever a client calls a trace context, ours is valid and continues only a valid one."""
    parent, _, state = data.partition(b"\n")
    read = read_traceparent(parent)
    tx = Transaction(None, b"GET", b"/", "1.1", [], 0.0, 0)
    lines = hop(traces=True).trace(tx, parent, state)
    ours = re.fullmatch(rb"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]\r\n", lines[0])
    assert ours, lines
    if read is not None:
        assert ours[1].decode() == read[0].hex()
        assert set(read[0]) != {0}
        assert set(read[1]) != {0}
    else:
        assert len(lines) == 1, "the tracestate of a trace that is not continued"
