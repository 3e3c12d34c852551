"""A model server made of a bare socket, played by the test itself.

Rule: no thread. The kernel completes connections while the test is busy elsewhere; `take`
gives the next connection on which a request has begun, and the test reads and answers it step
by step, so that "only after this came, that is sent" is simply the order of its lines.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.wire import (
    DEADLINE,
    IncompleteError,
    MalformedError,
    Message,
    NothingCameError,
    Stream,
    response,
)

OK = response(b"ok", b"Content-Type: text/plain")


class RawOrigin:
    """Listens on loopback TCP, or on the Unix socket `path`, with TLS if `tls` is given."""

    def __init__(
        self,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._tls = tls
        self._idle: list[Stream] = []
        self._busy: list[Stream] = []
        self.accepted = 0
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.url = f"unix://{path}"
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.socket(family)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.port = self.listener.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"
        self.listener.listen(1024)

    def take(self, deadline: float = DEADLINE) -> Stream:
        """The next connection on which bytes of a new request have come; it is busy until `free`.

        Connections that closed without a byte (probes) are passed over.
        """
        limit = time.monotonic() + deadline
        while (left := limit - time.monotonic()) > 0:
            for stream in self._readable(left):
                if self._has_bytes(stream):
                    self._idle.remove(stream)
                    self._busy.append(stream)
                    return stream
        raise NothingCameError("no request reached the origin")

    def free(self, stream: Stream) -> None:
        """The exchange is over; the connection may carry the next request."""
        self._busy.remove(stream)
        self._idle.append(stream)

    def forget(self, stream: Stream) -> None:
        """The test has ended this connection itself."""
        (self._busy if stream in self._busy else self._idle).remove(stream)

    def pending(self) -> int:
        """How many connections hold bytes that no `take` has seen, at this moment."""
        return sum(map(self._has_bytes, self._readable(0)))

    def serve(self, answer: bytes = OK) -> Message:
        """Takes one request, whole, answers it and keeps the connection."""
        stream = self.take()
        seen = stream.request()
        stream.send(answer)
        self.free(stream)
        return seen

    @contextmanager
    def serving(self, answer: bytes | Callable[[Stream], object] = OK) -> Iterator[list[Message]]:
        """Serves in a thread until the block ends; gives the list of the requests so far.

        For clients that cannot be driven step by step. One request at a time. A request that
        is cut short is dropped, a malformed one fails the test at the end of the block.
        """
        seen: list[Message] = []
        faults: list[MalformedError] = []
        stop = threading.Event()

        def serve() -> None:
            stream = self.take(0.01)
            try:
                seen.append(stream.request())
                stream.send(answer) if isinstance(answer, bytes) else answer(stream)
                self.free(stream)
            except (IncompleteError, OSError, MalformedError) as error:
                self.forget(stream)
                stream.close()
                if isinstance(error, MalformedError):
                    faults.append(error)

        def loop() -> None:
            while not stop.is_set():
                with suppress(NothingCameError):
                    serve()

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()
        for fault in faults:
            raise fault

    def reset(self) -> None:
        """Ends the connections that a test left in the middle of an exchange, or unheard."""
        for stream in [*self._busy, *filter(self._has_bytes, self._readable(0))]:
            stream.close()
            if stream in self._idle:
                self._idle.remove(stream)
        self._busy.clear()

    def close(self) -> None:
        self.reset()
        self.listener.close()
        for stream in self._idle:
            stream.close()
        self._idle.clear()

    def __enter__(self) -> RawOrigin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _readable(self, wait: float) -> list[Stream]:
        """Idle connections with bytes or an end to read; new ones are accepted on the way."""
        while select.select([self.listener], [], [], 0)[0]:
            self._accept()
        ready = [stream for stream in self._idle if stream.unread]
        sockets = {stream.sock: stream for stream in self._idle if stream not in ready}
        wait = 0 if ready else wait
        found = select.select([self.listener, *sockets], [], [], wait)[0]
        return ready + [sockets[sock] for sock in found if sock in sockets]

    def _accept(self) -> None:
        sock, _ = self.listener.accept()
        sock.settimeout(DEADLINE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True)
            except (ssl.SSLError, OSError):
                return
        self.accepted += 1
        self._idle.append(Stream(sock))

    def _has_bytes(self, stream: Stream) -> bool:
        if stream.unread:
            return True
        if stream.fill():
            return True
        self._idle.remove(stream)
        stream.close()
        return False
