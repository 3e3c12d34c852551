"""More bytes than anybody takes, and whether they move."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

MEBI = 1 << 20


def pump(sock: socket.socket, total: int) -> tuple[threading.Thread, list[int]]:
    """Sends `total` bytes from a thread; the list's one number is how many the kernel took."""
    sent = [0]

    def run() -> None:
        block = bytes(64 * 1024)
        with suppress(OSError):  # the test has seen enough and closes
            while sent[0] < total:
                sent[0] += sock.send(block)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, sent


def stalled(sent: list[int]) -> bool:
    """True when a quarter of a second moved nothing."""
    before = sent[0]
    time.sleep(0.25)
    return before > 0 and sent[0] == before
