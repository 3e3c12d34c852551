"""HTTP/1.1 as it stands on the wire, read strictly and kept byte by byte.

Rule: no opinion and no tolerance. What a test compares is what was sent, so names keep their
case, fields their order and values their bytes; anything that RFC 9112 does not allow raises.
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass, field

Fields = list[tuple[bytes, bytes]]

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^ \x00-\x20\x7f]+) HTTP/1\.([01])")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([^\x00-\x08\x0a-\x1f\x7f]*)")
FIELD_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
CHUNK_LINE = re.compile(rb"0*([0-9a-fA-F]{1,16})[ \t]*(;[^\x00-\x08\x0a-\x1f\x7f]*)?")

DEADLINE = 10.0
"""Seconds that any single wait in a test may take before it fails."""


class MalformedError(AssertionError):
    """The peer sent what is not HTTP/1.1."""


class NothingCameError(AssertionError):
    """The deadline passed in silence."""


class IncompleteError(Exception):
    """The connection ended before the message did; `message` is what had come."""

    def __init__(self, how: str, message: Message | None = None) -> None:
        super().__init__(f"connection ended ({how}) inside a message: {message}")
        self.how = how
        """`eof`, `reset`, or `tls` for an end without close_notify."""
        self.message = message


@dataclass
class Message:
    """A request or a response."""

    start: bytes
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    framing: str = "none"
    """How the body ends: none, length, chunked or close."""
    interim: list[Message] = field(default_factory=list)
    """Of a response: the 1xx before it."""

    @property
    def method(self) -> bytes:
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])

    @property
    def reason(self) -> bytes:
        return self.start.split(b" ", 2)[2]

    def all(self, name: bytes) -> list[bytes]:
        """Values of the field `name`, in order; any case."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def one(self, name: bytes) -> bytes | None:
        """The only value of the field `name`, or None; two fail the test."""
        values = self.all(name)
        assert len(values) < 2, f"{name!r} twice: {values}"
        return values[0] if values else None

    def tokens(self, name: bytes) -> list[bytes]:
        """The field's values as one lower-case list."""
        listed = b",".join(self.all(name)).split(b",")
        return [item.strip().lower() for item in listed if item.strip()]


class Stream:
    """One end of a connection: everything that came, and what of it is not read yet."""

    def __init__(self, sock: socket.socket, deadline: float = DEADLINE) -> None:
        self.sock = sock
        self.received = bytearray()
        self.ended = ""
        self._at = 0
        sock.settimeout(deadline)

    # -- bytes

    def fill(self) -> bool:
        """Waits for more bytes; False when there will be none, and `ended` says how."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return False
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise NothingCameError(f"nothing came after {self.received[-200:]!r}") from None
            self.ended = "tls"
            return False
        if not data:
            self.ended = "eof"
            return False
        self.received += data
        return True

    @property
    def unread(self) -> bytes:
        return bytes(self.received[self._at :])

    def until(self, marker: bytes) -> bytes:
        """What comes up to and with `marker`."""
        while (end := self.received.find(marker, self._at)) < 0:
            if not self.fill():
                raise IncompleteError(self.ended)
        return self._take(end + len(marker))

    def exactly(self, size: int) -> bytes:
        while len(self.received) - self._at < size:
            if not self.fill():
                raise IncompleteError(self.ended)
        return self._take(self._at + size)

    def rest(self) -> bytes:
        """What comes to the end of the connection, however it ends."""
        while self.fill():
            pass
        return self._take(len(self.received))

    def end(self) -> str:
        """How the connection ended: `eof`, `reset` or `tls`; waits for it."""
        while self.fill():
            pass
        return self.ended

    def send(self, *data: bytes) -> None:
        self.sock.sendall(b"".join(data))

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the connection by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, end: int) -> bytes:
        data = bytes(self.received[self._at : end])
        self._at = end
        return data

    # -- messages

    def head(self) -> Message:
        """The next start line and its fields; the body stays unread."""
        head = self.until(b"\r\n\r\n")
        start, *lines = head[:-4].split(b"\r\n")
        if not (REQUEST_LINE.fullmatch(start) or STATUS_LINE.fullmatch(start)):
            raise MalformedError(f"start line {start!r}")
        return Message(start, [parse_field(line) for line in lines])

    def request(self) -> Message:
        """The next request, whole."""
        message = self.head()
        if not REQUEST_LINE.fullmatch(message.start):
            raise MalformedError(f"not a request: {message.start!r}")
        self.body(message, default="none")
        return message

    def response(self, method: bytes = b"GET") -> Message:
        """The next final response, whole, with the interim ones before it."""
        interim = []
        while (message := self.head()).status < 200 and message.status != 101:
            interim.append(message)
        message.interim = interim
        bodiless = method == b"HEAD" or message.status in (101, 204, 304)
        if not bodiless:
            self.body(message, default="close")
        return message

    def body(self, message: Message, default: str) -> None:
        """Reads the body of a message whose head was read; `default` without framing fields."""
        codings, lengths = message.tokens(b"transfer-encoding"), message.all(b"content-length")
        if codings and lengths:
            raise MalformedError(f"two framings: {message.fields}")
        if codings:
            if codings != [b"chunked"]:
                raise MalformedError(f"transfer codings {codings}")
            message.framing = "chunked"
        elif lengths:
            if len(lengths) > 1 or not lengths[0].isdigit():
                raise MalformedError(f"Content-Length {lengths}")
            message.framing = "length"
        else:
            message.framing = default
        try:
            self._read_body(message)
        except IncompleteError as cut:
            raise IncompleteError(cut.how, message) from None

    def _read_body(self, message: Message) -> None:
        if message.framing == "chunked":
            while chunk := self.chunk():
                message.body += chunk
            while line := self.until(b"\r\n")[:-2]:
                message.trailers.append(parse_field(line))
        elif message.framing == "length":
            left = int(message.all(b"content-length")[0])
            while left:
                if self._at == len(self.received) and not self.fill():
                    raise IncompleteError(self.ended)
                piece = self._take(min(self._at + left, len(self.received)))
                message.body += piece
                left -= len(piece)
        elif message.framing == "close":
            message.body = self.rest()
            if self.ended != "eof":
                raise IncompleteError(self.ended)

    def chunk(self) -> bytes:
        """The data of the next chunk; empty for the last."""
        line = self.until(b"\r\n")[:-2]
        match = CHUNK_LINE.fullmatch(line)
        if match is None:
            raise MalformedError(f"chunk size line {line!r}")
        size = int(match[1], 16)
        if not size:
            return b""
        data = self.exactly(size)
        if self.exactly(2) != b"\r\n":
            raise MalformedError("chunk data without CRLF")
        return data


def parse_field(line: bytes) -> tuple[bytes, bytes]:
    """Name and value of one field line, the value without its surrounding whitespace."""
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.fullmatch(name):
        raise MalformedError(f"field line {line!r}")
    value = value.strip(b" \t")
    if not FIELD_VALUE.fullmatch(value):
        raise MalformedError(f"field value {line!r}")
    return name, value


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    """A chunked body of these chunks; `trailers` are whole lines."""
    sized = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return sized + b"0\r\n" + trailers + b"\r\n"


def response(
    body: bytes = b"", *lines: bytes, status: bytes = b"200 OK", length: bool = True
) -> bytes:
    """A whole response with these field lines and, unless told not to, its Content-Length."""
    framing = [b"Content-Length: %d" % len(body)] if length else []
    head = b"\r\n".join([b"HTTP/1.1 " + status, *lines, *framing])
    return head + b"\r\n\r\n" + body


def request(
    method: bytes = b"GET", target: bytes = b"/", *lines: bytes, body: bytes | None = None
) -> bytes:
    """A whole request with a Host, these field lines, and Content-Length if there is a body."""
    framing = [] if body is None else [b"Content-Length: %d" % len(body)]
    head = b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: model.test", *lines])
    return b"\r\n".join([head, *framing]) + b"\r\n\r\n" + (body or b"")
