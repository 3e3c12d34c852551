"""What we add to a request's head: who the client was, which trace, which id, that we were here.

Rule: a client's own X-Forwarded-* count only if it is one of `trusted_proxies` (RFC 7239 section
8.1); its request id and trace context are continued if they are valid.
"""

from __future__ import annotations

from agent.proxy.head import RequestHead, valid_request_id
from agent.proxy.hop import END_OF_HEAD, Hop
from agent.proxy.transaction import Transaction


class Forwarding:
    """Of one client connection."""

    __slots__ = ("_client", "_hop", "_host", "_peer", "_scheme", "_trusted")

    def __init__(self, hop: Hop, peer: str, scheme: bytes) -> None:
        """`peer` is the client's address, `scheme` that of the connection."""
        shown = f"[{peer}]" if ":" in peer else peer or "unknown"
        self._hop = hop
        self._peer = peer.encode()
        self._scheme = scheme
        self._trusted = hop.trusts(peer)
        self._client = _client_lines(shown.encode(), scheme)
        self._host = (b"", b"")

    def target(self, target: bytes) -> bytes:
        """The request target with `upstream`'s base path before its own."""
        base = self._hop.base_path
        if not base or target == b"*":
            return target
        if target.startswith(b"/"):
            return base + target
        scheme, _, rest = target.partition(b"://")
        authority, slash, path = rest.partition(b"/")
        return scheme + b"://" + authority + base + slash + path

    def finish(self, tx: Transaction, head: RequestHead, out: list[bytes]) -> None:
        """Adds our lines and the end of the head to `out`."""
        if head.request_id and valid_request_id(head.request_id):
            tx.request_id = head.request_id
        if not head.host:
            out += (b"host: ", self._hop.upstream_host, b"\r\n")
        client, host = self._client, head.host
        if head.forwarded and self._trusted:
            told = dict(head.forwarded)
            chain = [value for name, value in head.forwarded if name == b"x-forwarded-for"]
            scheme = told.get(b"x-forwarded-proto", self._scheme)
            client = _client_lines(b", ".join((*chain, self._peer)), scheme)
            host = told.get(b"x-forwarded-host", host)
        self._add(tx, out, client, host, head.traceparent, head.tracestate)

    def finish_known(self, tx: Transaction, host: bytes, out: list[bytes]) -> None:
        """The same for a head that has nothing of these itself."""
        self._add(tx, out, self._client, host, b"", b"")

    def _add(
        self,
        tx: Transaction,
        out: list[bytes],
        client: bytes,
        host: bytes,
        traceparent: bytes,
        tracestate: bytes,
    ) -> None:
        hop = self._hop
        if not tx.request_id:
            tx.request_id = b"%016x" % hop.random.getrandbits(64)
        if hop.sampling.traces:
            out += hop.trace(tx, traceparent, tracestate)
        known, line = self._host
        if known != host:
            line = b"x-forwarded-host: %b\r\n" % host
            self._host = (host, line)
        end = END_OF_HEAD[tx.version]
        out += (client, line, b"x-request-id: ", tx.request_id, b"\r\n", end)


def _client_lines(address: bytes, scheme: bytes) -> bytes:
    return b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n" % (address, scheme)
