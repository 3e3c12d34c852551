"""The one retry rule: whether a request that was lost with its connection may be sent again.

Rule: never twice to a model server that may have seen it, unless the method is idempotent
(RFC 9110 section 9.2.2). The kernel's counts tell what can have been seen: `struct tcp_info` of
Linux, `tcpi_bytes_acked` and `tcpi_bytes_sent`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import NamedTuple

from agent.proxy.transaction import COPY_LIMIT, Transaction

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"})

_SIZE = 208
_ACKED, _SENT = slice(120, 128), slice(200, 208)


class TcpCounts(NamedTuple):
    """Bytes of a connection, over its whole life."""

    acked: int
    sent: int


def tcp_counts(transport: asyncio.BaseTransport) -> TcpCounts | None:
    """What the kernel says of a connection; None where it does not (no TCP, no Linux, TLS)."""
    sock = transport.get_extra_info("socket")
    if (
        sock is None
        or sock.family not in (socket.AF_INET, socket.AF_INET6)
        or not hasattr(socket, "TCP_INFO")
        or transport.get_extra_info("ssl_object") is not None
    ):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except OSError:
        return None
    if len(info) < _SIZE:
        return None
    order = sys.byteorder
    return TcpCounts(int.from_bytes(info[_ACKED], order), int.from_bytes(info[_SENT], order))


def may_resend(
    tx: Transaction,
    lost_by: Exception | None,
    first: TcpCounts | None,
    now: TcpCounts | None,
    earlier: int,
) -> bool:
    """Whether the model server cannot have seen the request, or may see it twice.

    `first` are the counts of the new connection, `now` those at its loss, `earlier` the bytes
    written before this request; `lost_by` is None for an orderly end.

    It cannot have been seen if none of it was sent, or if the other side had ended before it came
    (an end, or EPIPE) and acknowledged nothing of it. A bare reset says too little: an
    acknowledgement may have been on its way.
    """
    if tx.copy_size > COPY_LIMIT or tx.upgrade:
        return False
    if tx.method in IDEMPOTENT:
        return True
    if first is None or now is None:
        return False
    if now.sent - first.sent <= earlier:
        return True
    ended = lost_by is None or isinstance(lost_by, BrokenPipeError)
    return ended and now.acked - first.acked <= earlier
