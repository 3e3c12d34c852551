"""What goes to the model server of what a client sends: the request written anew.

Rule: it fills `tx.out`; when that is written, and until when it may take, is its connection's.
"""

from __future__ import annotations

from time import monotonic, time_ns
from typing import TYPE_CHECKING

from agent.exchange import Fields
from agent.proxy.forwarding import Forwarding
from agent.proxy.head import RequestHead, trailer_lines
from agent.proxy.hop import Hop
from agent.proxy.known import GIVE_UP, KnownRequest, is_plain_request
from agent.proxy.transaction import Transaction

if TYPE_CHECKING:
    from agent.proxy.downstream import Downstream


class Outgoing:
    """A `reader.Sink`; one a connection."""

    def __init__(self, hop: Hop, client: Downstream, peer: str, scheme: bytes) -> None:
        self._hop = hop
        self._client = client
        self._forwarding = Forwarding(hop, peer, scheme)

    def known(self, known: KnownRequest, body: bytes) -> Transaction:
        """A whole request whose head was parsed before, ready to be dispatched."""
        hop = self._hop
        tx = Transaction(
            self._client, known.method, known.target, "1.1", known.fields, monotonic(), time_ns()
        )
        tx.route = known.route
        hop.accountant.begin(tx)
        tx.length = known.length
        tx.out = out = [known.start]
        self._forwarding.finish_known(tx, known.host, out)
        if hop.sampling.capture:
            hop.sample(tx)
        if body:
            out.append(body)
            tx.request_size = len(body)
            if tx.request_copy is not None:
                tx.request_copy.add(body)
        tx.request_done = True
        return tx

    # ---- what the reader found

    def request_begun(self, method: bytes, target: bytes, version: str, fields: Fields) -> None:
        hop, client = self._hop, self._client
        tx = Transaction(client, method, target, version, fields, monotonic(), time_ns())
        client.begin(tx)
        tx.route = hop.routes.find(target)
        hop.accountant.begin(tx)

    def request_head(self, head: RequestHead, raw: bytes) -> None:
        tx, hop = self._client.tx, self._hop
        assert tx is not None
        tx.length, tx.close = head.length, head.close
        tx.chunked, tx.upgrade = head.chunked, head.upgrade
        target = self._forwarding.target(tx.target)
        tx.out = out = [tx.method, b" ", target, b" HTTP/1.1\r\n", *head.lines]
        if raw and self._client.misses < GIVE_UP and is_plain_request(tx.version, head):
            start = b"".join(out)
            known = KnownRequest(
                tx.length, tx.method, tx.target, tx.fields, tx.route, start, head.host
            )
            hop.requests.keep(raw, known)
        self._forwarding.finish(tx, head, out)
        if hop.sampling.capture:
            hop.sample(tx)
        hop.pool.dispatch(tx)

    def request_piece(self, piece: bytes) -> None:
        tx = self._client.tx
        if tx is None:
            return
        size = len(piece)
        tx.request_size += size
        tx.out_size += size
        if tx.request_copy is not None:
            tx.request_copy.add(piece)
        if tx.chunked:
            tx.out += (b"%x\r\n" % size, piece, b"\r\n")
        else:
            tx.out.append(piece)

    def request_ended(self, trailers: Fields) -> None:
        tx = self._client.tx
        if tx is None:
            return
        if tx.chunked:
            tx.out += (b"0\r\n", *trailer_lines(trailers), b"\r\n")
        tx.request_done = True
