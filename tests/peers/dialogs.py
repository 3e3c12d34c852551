"""Rows of the transparency matrix where it matters what happens before what.

Rule: nothing waits for time. Each side sends its next part only after the other has seen the one
before; a dialog's patience is how long that may take until it counts as never.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from tests.peers.talk import Origin
from tests.wire import IncompleteError, NothingCameError, Stream, chunked, request, response

PATIENCE = 1.0
"""Seconds."""
CHUNKED = b"Transfer-Encoding: chunked"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Address = tuple[str, int]


class NeverError(Exception):
    """Something did not come; the text is the cell of the table."""


class Ends:
    """A client and an origin with the proxy between them."""

    def __init__(self, address: Address, origin: Origin, patience: float) -> None:
        origin.forget_strays()
        self.client = Stream(socket.create_connection(address), patience)
        self._patience = patience
        self._origin = origin
        self._sock: socket.socket | None = None

    def reached(self, wanted: bytes, otherwise: str) -> bytes:
        """What the origin has got, once `wanted` is in it."""
        while wanted not in (got := self._origin.streams.get(self._sock, b"")):
            begun = self._origin.begun(self._patience)
            if begun is None:
                raise NeverError(otherwise)
            self._sock = begun[0]
        return got

    def answer(self, data: bytes) -> None:
        assert self._sock is not None
        self._sock.sendall(data)

    def heard(self, wanted: bytes, otherwise: str) -> None:
        """Waits until the client has got `wanted`."""
        try:
            self.client.until(wanted)
        except (NothingCameError, IncompleteError):
            raise NeverError(otherwise) from None

    def close(self) -> None:
        self.client.close()
        if self._sock in self._origin.streams:
            self._origin.drop(self._sock)


def expect(ends: Ends) -> None:
    ends.client.send(request(b"POST", b"/", b"Expect: 100-continue", b"Content-Length: 4"))
    head = ends.reached(b"\r\n\r\n", "the head waits for the body")
    if b"expect: 100-continue" not in head.lower():
        raise NeverError("`expect` gone")
    if _early(ends.client):
        raise NeverError("answers 100 itself")
    ends.answer(CONTINUE)
    ends.heard(b"HTTP/1.1 100 ", "100 not relayed")
    ends.client.send(b"body")
    ends.reached(b"\r\n\r\nbody", "the body does not follow")
    ends.answer(response(b"done"))
    ends.heard(b"done", "no answer")


def _early(client: Stream) -> bool:
    """Whether the proxy has said something before the origin did."""
    return bool(select.select([client.sock], [], [], 0.1)[0])


def refusal(ends: Ends) -> None:
    ends.client.send(request(b"POST", b"/", b"Expect: 100-continue", b"Content-Length: 4"))
    ends.reached(b"\r\n\r\n", "the head waits for the body")
    ends.answer(response(b"no", b"Connection: close", status=b"417 Expectation Failed"))
    ends.heard(b"HTTP/1.1 417 ", "417 not relayed")


def early_answer(ends: Ends) -> None:
    ends.client.send(request(b"POST", b"/", b"Content-Length: 1000"), b"the first bytes")
    ends.reached(b"the first bytes", "the head waits for the body")
    ends.answer(response(b"too large", b"Connection: close", status=b"413 Content Too Large"))
    ends.heard(b"too large", "the answer waits for the body")


def upload(ends: Ends) -> None:
    ends.client.send(request(b"POST", b"/", CHUNKED), b"5\r\nfirst\r\n")
    ends.reached(b"first", "pieces wait for the whole")
    ends.client.send(b"6\r\nsecond\r\n0\r\n\r\n")
    ends.reached(b"second", "pieces wait for the whole")
    ends.answer(response(b"done"))
    ends.heard(b"done", "no answer")


def _events(*lines: bytes) -> Callable[[Ends], None]:
    def run(ends: Ends) -> None:
        ends.client.send(request())
        ends.reached(b"\r\n\r\n", "no request")
        chunks = CHUNKED in lines
        ends.answer(response(b"", b"Content-Type: text/event-stream", *lines, length=False))
        ends.heard(b"\r\n\r\n", "the head waits for the body")
        for event in (b"data: 1\n\n", b"data: 2\n\n"):
            ends.answer(chunked(event)[:-5] if chunks else event)
            ends.heard(event, "events wait for the next")

    return run


def hints(ends: Ends) -> None:
    ends.client.send(request())
    ends.reached(b"\r\n\r\n", "no request")
    ends.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    ends.heard(b" 103 ", "103 not relayed, or late")


def websocket(ends: Ends) -> None:
    asked = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    ends.client.send(request(b"GET", b"/", *asked, key))
    ends.reached(b"\r\n\r\n", "no request")
    accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    line = b"HTTP/1.1 101 Switching Protocols"
    ends.answer(b"\r\n".join([line, *asked[:2], accept, b"", b"first words"]))
    ends.heard(b"first words", "101 not relayed")
    ends.client.send(b"\x81\x85\0\0\0\0hello")
    ends.reached(b"hello", "the tunnel does not carry")


DIALOGS: dict[str, Callable[[Ends], None]] = {
    "`Expect: 100-continue`, and the origin's 100": expect,
    "`Expect: 100-continue`, refused by 417": refusal,
    "an answer before the body has come": early_answer,
    "pieces of an upload go on as they come": upload,
    "103 goes on as it comes": hints,
    "events go on as they come (chunked)": _events(CHUNKED),
    "events go on as they come (to the end)": _events(b"Connection: close"),
    "WebSocket, and words behind the 101": websocket,
}


def run(name: str, address: Address, origin: Origin, patience: float = PATIENCE) -> str:
    """The cell of this dialog: empty, or what did not come."""
    ends = Ends(address, origin, patience)
    try:
        DIALOGS[name](ends)
    except NeverError as never:
        return str(never)
    except OSError as error:
        return type(error).__name__
    finally:
        ends.close()
    return ""
