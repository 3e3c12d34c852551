"""Asks a running sidecar over its admin or health port: what `report` and `check` read.

Rule: GET alone, one connection kept, no redirect followed (a token goes where it was meant to),
answers bounded in time and size. What cannot be had is `Unreachable`, with the remedy.
"""

from __future__ import annotations

import http.client
import math
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec

TIMEOUT = 10.0
"""Seconds for each step of an answer."""
STEPS = 3
"""That a whole answer may take the time of."""
MOST, MOST_IN_ALL = 64 << 20, 256 << 20
"""Bytes of an answer, and of all."""
ADMIN, HEALTH = "http://127.0.0.1:8901", "http://127.0.0.1:8902"


class Unreachable(Exception):
    """No answer that is of use: where it was asked for, why, and what to do."""

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(f"{where}: {why}; {remedy}")
        self.where, self.why, self.remedy = where, why, remedy


class Answer(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes


class Sidecar:
    """One port of a sidecar."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        flag: str = "--admin",
        timeout: float = TIMEOUT,
        patience: float = math.inf,
    ) -> None:
        """`url` as http://host:port, or host:port; `flag` is what people gave it by; `timeout` in
        seconds for a step of an answer, `patience` for all answers together. Raises Unreachable if
        it is no URL."""
        self.url = url.rstrip("/") if "://" in url else f"http://{url}".rstrip("/")
        self._flag, self._timeout, self._patience = flag, timeout, patience
        self._bytes = MOST_IN_ALL
        """That may still come."""
        self._fields = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: http.client.HTTPConnection | None = None
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as problem:
            raise self._unusable(str(problem)) from None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.username:
            raise self._unusable("no such address")
        if any(ord(character) < 33 or ord(character) > 126 for character in token):
            raise Unreachable("--token", "not plain characters", "give admin.token as it is set")
        self._host, self._port, self._base = host, port, parts.path
        self._is_tls = parts.scheme == "https"

    def _unusable(self, why: str) -> Unreachable:
        return Unreachable(f"{self._flag} {self.url[:100]!r}", why, "wanted http://HOST:PORT")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """One answer, whatever its status. Raises Unreachable."""
        target = self._base + quote(path) + (f"?{urlencode(query)}" if query else "")
        for last in (False, True):
            fresh = self._connection is None
            try:
                return self._ask(target)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                if last or fresh:
                    raise Unreachable(self.url, _told(problem), self._remedy()) from None
        raise AssertionError

    def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer of status 200; None of 404. Raises Unreachable."""
        answer = self.get(path, query)
        if answer.status == 404:
            return None
        where = f"{self.url}{path}"
        if answer.status in (401, 403):
            remedy = "give admin.token by --token, or in OUTRIDER_ADMIN__TOKEN"
            raise Unreachable(where, f"answered {answer.status}", remedy)
        if answer.status != 200:
            raise Unreachable(where, f"answered {answer.status}", "look at the sidecar's log")
        try:
            return msgspec.json.decode(answer.body)  # no NaN, nothing beyond what a number can be
        except (ValueError, RecursionError):
            raise Unreachable(where, "is no JSON", f"is {self._flag} that of Outrider?") from None

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, target: str) -> Answer:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=self._timeout)
        began = time.monotonic()
        try:
            if self._connection.sock is None:
                self._connection.connect()
            seconds = max(0.0, min(STEPS * self._timeout, self._patience))
            with _within(self._connection.sock, seconds):
                self._connection.request("GET", target, headers=self._fields)
                response = self._connection.getresponse()
                body = response.read(min(MOST, self._bytes) + 1)
        finally:
            self._patience -= time.monotonic() - began
        if len(body) > min(MOST, self._bytes):
            raise http.client.HTTPException(f"answered more than {min(MOST, self._bytes)} bytes")
        self._bytes -= len(body)
        return Answer(response.status, body)

    def _remedy(self) -> str:
        return f"is Outrider running, and is {self._flag} its address?"


@contextmanager
def _within(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Cuts a connection off after so many seconds. A socket's own time-out is for a step: who sends
    a byte now and then would hold us for ever. Raises TimeoutError."""
    over = Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not over.is_set():
            raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError


def _told(problem: Exception) -> str:
    if isinstance(problem, TimeoutError | socket.timeout):
        return "no answer in time"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    with suppress(UnicodeError):
        return str(problem).encode("ascii", "backslashreplace").decode()[:200] or "no answer"
    return "no answer"
