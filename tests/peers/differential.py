"""The same bytes at several proxies: what each lets through to its origin.

Rule: every stream is followed by a sentinel that asks for the end of the connection, so that a
conversation ends by itself unless the stream has swallowed it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.peers.talk import QUIET, Kept, Origin, Talk, read_responses, talk
from tests.wire import IncompleteError, MalformedError, Message, request

SENTINEL = request(b"GET", b"/sentinel", b"Connection: close")
_AUTHORITY = re.compile(rb"^[a-z]+://[^/?#]*", re.IGNORECASE)

Address = tuple[str, int]


class Passed(NamedTuple):
    """A request as the origin got it, less what the transparency matrix is about."""

    method: bytes
    target: bytes
    body: bytes


class Outcome(NamedTuple):
    """What became of a stream."""

    passed: tuple[Passed, ...]
    malformed: bool
    """The origin got what the strict reader does not take for a request."""
    status: int
    """Of the last answer that was the proxy's own; 0: none."""
    words: str
    """What that answer says."""

    def differs(self, other: Outcome) -> bool:
        """Whether the origins got other requests."""
        return (self.passed, self.malformed) != (other.passed, other.malformed)


def _passed(seen: Message) -> Passed:
    path = _AUTHORITY.sub(b"", seen.target)
    return Passed(seen.method, path if path[:1] in (b"/", b"*") else b"/" + path, seen.body)


def outcome(told: Talk) -> Outcome:
    """Sums up a conversation."""
    found, _ = read_responses(told.got, [b"GET"] * 20)
    own = [one for one in found if not one.all(b"x-origin")]
    status, words = (own[-1].status, own[-1].body.decode("latin-1")) if own else (0, "")
    return Outcome(tuple(map(_passed, told.seen)), bool(told.malformed), status, words)


def _over(told: Talk) -> bool:
    """Whether the proxy has said that the connection ends (some leave that to the client)."""
    found, rest = read_responses(told.got, [b"GET"] * 20)
    if not found or rest or b"close" not in found[-1].tokens(b"connection"):
        return False
    return found[-1].framing != "close"


def drive(address: Address, origin: Origin, stream: bytes, quiet: float = QUIET) -> Outcome:
    """One stream and the sentinel behind it, on a connection of their own."""
    answer = b"HTTP/1.1 200 OK\r\nX-Origin: yes\r\nContent-Length: 2\r\n\r\nok"
    return outcome(talk(address, origin, stream + SENTINEL, lambda _: answer, _over, quiet))


ASK = request(b"GET", b"/ask", b"Connection: close")


def drive_back(address: Address, origin: Origin, answer: bytes, quiet: float = QUIET) -> Outcome:
    """What the client gets if the origin answers so and closes; `passed` holds a status."""
    origin.closes = True
    told = talk(address, origin, ASK, lambda _: answer, _over, quiet)
    stream = Kept(told.got)
    try:
        got = stream.response()
    except (MalformedError, ValueError):
        return Outcome((), True, 0, "")
    except IncompleteError as cut:
        status = b"%d" % cut.message.status if cut.message else b""
        return Outcome((Passed(status, b"cut", b""),), False, 0, "")
    if got.status >= 500 and got.body not in answer:
        return Outcome((), False, got.status, got.body.decode("latin-1"))
    if got.framing == "close" and told.ended != "eof":
        return Outcome((Passed(b"%d" % got.status, b"cut", b""),), False, 0, "")
    return Outcome((Passed(b"%d" % got.status, b"", got.body),), False, 0, "")
