"""A request whose body is there before its connection to the origin is, and an origin that is slow.

The connection takes less than waited for it, so it is paused from its first write on; its client
must be paused with it. The kernel is made to take little (small segments, a small window), and
the worker is stopped while the client sends, so that its first read brings a quarter of a
megabyte: of the worker's own making is only what it does then.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress

import pytest

from tests.harness import eventually
from tests.proxy.pumping import MEBI, pump, stalled
from tests.wire import request, response

TOTAL = 64 * MEBI
WARM = 8 * MEBI
FIRST = 400_000
"""More than one read takes."""


@pytest.mark.slow
def test_a_client_stays_paused_while_its_new_connection_does_not_take_the_request(
    start, own_origin
):
    listener = own_origin.listener
    proxy = start(own_origin.url)
    with proxy.connect() as client:
        # So that the kernel gives this connection a large window, and none is left to reuse.
        with own_origin.serving(response(b"ok", b"Connection: close")):
            client.send(request(b"POST", b"/warm", body=bytes(WARM)))
            client.response()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        before = proxy.rss()
        worker = proxy.pid("worker")
        os.kill(worker, signal.SIGSTOP)
        try:
            client.send(request(b"POST", b"/p", b"Content-Length: %d" % TOTAL), bytes(FIRST))
        finally:
            os.kill(worker, signal.SIGCONT)
        thread, sent = pump(client.sock, TOTAL - FIRST)
        try:
            eventually(lambda: stalled(sent), "the client to be held back")
            assert sent[0] < TOTAL // 2
            assert proxy.rss() - before < 16 * MEBI
        finally:
            with suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            thread.join()
