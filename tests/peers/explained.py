"""Why Outrider and another proxy make different things of the same bytes.

Rule: a difference that no line here explains is a fault, of Outrider or of this table.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.proxy.head import may_be_trailers
from tests.peers.differential import Outcome, Passed
from tests.peers.talk import read_responses

STRICTER = {
    r"Transfer-Encoding in HTTP/1\.0": "9112 6.1: no sound framing",
    r"no fragment": "9112 3.2: a target has none",
    r"trailer section has fields": "9110 6.5.1: what frames or routes is no trailer",
    r"upgrade to another protocol cannot have a body": "CVE-2026-69243: an upgrade with a body",
    r"exactly one Host field": "9112 3.2: one Host",
    r"Host field contradicts": "9112 3.2.2: a Host against the target is not passed on",
    r"Host field is no host and port": "9110 7.2: what Host may be",
    r"can't be present with": "9112 6.1: Content-Length with Transfer-Encoding",
    r"Duplicate Content-Length|in Content-Length": "9112 6.3: one Content-Length of digits",
    r"Empty (Content-Length|Transfer-Encoding)": "9112 6.3: an empty framing field",
    r"Expected CRLF after version|Missing expected (CR|LF) after header value|Expected LF after CR"
    r"|Expected LF after headers|Missing expected CR|Expected LF after header":
        "9112 2.2: lines end with CRLF here, a bare LF or CR ends none",
    r"Invalid HTTP version|Expected HTTP/": "9112 2.3: the version is HTTP/1.1 or HTTP/1.0",
    r"chunk (data|extension|size)": "9112 7.1: a chunk is framed to the letter",
    r"Transfer-Encoding` header value|coding other than chunked": "9112 6.1: chunked and no other",
    r"Invalid header (field|value) char|Invalid header token": "9110 5.5, 9112 5: bytes of a field",
    r"has invalid `Transfer-Encoding`": "9112 6.1: chunked and no other, nor with a tab behind it",
    r"Unexpected whitespace after header value|Unexpected space": "9112 5.2: no obs-fold",
    r"request line is not valid": "9112 3: method SP target SP version, no more and no less",
    r"method is not known": "the contract: unknown methods get 400",
    r"bytes that no URI has": "9112 3.2: a target is of visible ASCII",
    r"neither a path nor an absolute URI": "9112 3.2: the four forms of a target",
    r"CONNECT is not served": "the contract: CONNECT gets 405",
    r"HTTP/2|PRI": "the contract: an HTTP/2 preface gets 400",
    r"HTTP version is not spoken|has no version": "9112 2.3: the version is HTTP/1.1 or HTTP/1.0",
    r"too large|too long|limits\.|did not come in time": "a limit of ours",
}  # fmt: skip
"""Outrider refuses what another passes on: by the words of its answer."""


class Looser(NamedTuple):
    """Outrider passes on what `peer` does not."""

    peer: str
    status: int
    """The other's answer; 0: it closes."""
    stream: str
    """What the stream has in it."""
    why: str


LOOSER = [
    Looser("nginx", 400, r"Expect:(?s:.*)\r\nExpect:", "it takes no list in two fields"),
    Looser("nginx", 400, r"(?i)\n(content-length|host|transfer-encoding):[ \t]*\t|\t\r\n",
           "it takes no tab around a value"),
    Looser("nginx", 400, r"%(?![0-9a-fA-F]{2})|%00", "it decodes the target"),
    Looser("nginx", 400, r"Host:[ \t]*\r\n", "it takes no empty Host"),
    Looser("nginx", 400, r"Host:[^\n]*\.\.", "it takes no two dots in a Host"),
    Looser("nginx", 400, r"[^\n]{8000}", "its limit on a field, 8 kB"),
    Looser("nginx", 400, r"OPTIONS \*", "it serves no `*`"),
    Looser("nginx", 0, r"(?i)Connection:[^\n]*close", "it finds `close` inside an option"),
    Looser("haproxy", 400, r"^\r([^\n]|$)", "it takes no bare CR before a request"),
    Looser("haproxy", 400, r"(?i)upgrade:[^\n]*websocket(?!(?s:.*)Sec-WebSocket-Key)",
           "it looks at the fields of WebSocket"),
    Looser("haproxy", 413, r"(GET|HEAD|DELETE|OPTIONS)[^\n]* HTTP/1\.0",
           "it takes no body with this method in HTTP/1.0"),
    Looser("haproxy", 400, r"(?s).{15000}", "its limit on a head, 15 kB"),
    Looser("haproxy", 400, r"([^\n]*\n){101}", "its limit of 101 fields"),
    Looser("envoy", 431, r"([^\n]*\n){101}", "its limit of 100 fields"),
    Looser("envoy", 404, r"OPTIONS \*", "it serves no `*`"),
    Looser("envoy", 426, r"HTTP/1\.0", "it does not speak HTTP/1.0"),
    Looser("envoy", 403, r"(?i)\nupgrade:", "it refuses other upgrades than those set"),
    Looser("envoy", 400, r"(?i)\nconnection:[^\n]*(host|:)", "it takes no such Connection option"),
    Looser("envoy", 400, r" [a-z]+://", "it takes no other scheme than http and https"),
]  # fmt: skip
TUNNEL = "CVE-2026-2833: what follows an upgrade waits for its answer, and is no request if refused"


def explain(peer: str, stream: bytes, ours: Outcome, theirs: Outcome) -> str:
    """The rule by which they differ; empty if there is none; they must differ."""
    assert ours.differs(theirs)
    if ours.malformed:
        return ""
    mine, other = ours.passed, theirs.passed
    if len(mine) > len(other) and _among(other, mine) and not theirs.malformed:
        text = stream.decode("latin-1")
        found = [
            one.why
            for one in LOOSER
            if (one.peer, one.status) == (peer, theirs.status) and re.search(one.stream, text)
        ]
        return found[0] if found else ""
    if ours.status >= 400:
        return next((why for words, why in STRICTER.items() if re.search(words, ours.words)), "")
    if b"websocket" in stream.lower() and mine == other[: len(mine)]:
        return TUNNEL
    return ""


def _among(some: tuple[Passed, ...], all_of_them: tuple[Passed, ...]) -> bool:
    """Whether those are some of these, in their order."""
    left = iter(all_of_them)
    return all(one in left for one in some)


STRICTER_BACK = STRICTER | {
    r"Expected HTTP/|Expected space after version|Expected CRLF after version|Expected dot"
    r"|Invalid (major|minor) version": "9112 4: the status line",
    r"status code|response status|status line is not valid": "9112 4: a status is of three digits",
    r"does not speak HTTP/1.1": "9112 2.3: the version is HTTP/1.1 or HTTP/1.0",
    r"transfer coding is not chunked": "9112 6.1: chunked and no other, none in HTTP/1.0",
    r"Content-Length overflow": "9112 6.3: one Content-Length of digits",
    r"protocol nobody asked for": "9110 15.2.2: a 101 that was not asked for",
    r"interim response with a body": "9112 6.3: an interim answer has no body",
    r"interim responses without end": "a limit of ours",
    r"Data after": "9112 9.3: bytes behind an answer that ends the connection",
    r"more than it was asked for": "9112 9.3: bytes behind an answer are nobody's",
    r"closed the connection": "9112 8: an answer that ends before its head does is none",
}  # fmt: skip
BLANK = r"(^|\n\r\n)[\r\n]+HTTP/"
LOOSER_BACK = [
    Looser("nginx", 502, r"(?s)^.{4000}", "its limit on a head, 4 kB"),
    Looser("nginx", 500, r"(?i)X-Accel-Redirect", "it follows X-Accel-Redirect itself"),
    Looser("nginx", 0, r"(?i)X-Accel-Redirect", "it follows X-Accel-Redirect itself"),
    Looser("nginx", 0, BLANK, "it takes an empty line before the status for HTTP/0.9"),
    Looser("haproxy", 502, BLANK, "it takes no empty line before the status"),
    Looser("envoy", 502, BLANK, "it takes no empty line before the status"),
    Looser("haproxy", 502, r"(?s)^.{15000}", "its limit on a head, 15 kB"),
    Looser("haproxy", 502, r"([^\n]*\n){101}", "its limit of 101 fields"),
    Looser("envoy", 502, r"([^\n]*\n){101}", "its limit of 100 fields"),
    Looser("envoy", 0, r"([^\n]*\n){101}", "its limit of 100 fields, of trailers too"),
    Looser("nginx", 0, r"HTTP/1\.[01] \d{3}\r\n", "it wants the space behind a status"),
]  # fmt: skip
LIMIT = 64 << 10
CUT = "9112 8: a body that is cut or malformed ends in an abort, never as if it were whole"


def explain_back(peer: str, answer: bytes, ours: Outcome, theirs: Outcome) -> str:
    """The same for what clients get of an origin's answer."""
    assert ours.differs(theirs)
    if ours.malformed:
        return ""
    if ours.status >= 500:
        words = STRICTER_BACK.items()
        return next((why for text, why in words if re.search(text, ours.words, re.IGNORECASE)), "")
    if any(one.target == b"cut" for one in ours.passed):
        return _cut(answer)
    text = answer.decode("latin-1")
    found = [
        one.why
        for one in LOOSER_BACK
        if (one.peer, one.status) == (peer, theirs.status) and re.search(one.stream, text)
    ]
    return found[0] if found else ""


def _cut(answer: bytes) -> str:
    """Why a body that has begun was not brought to its end."""
    found, _ = read_responses(answer, [b"GET"])
    if not found:
        return CUT
    if not may_be_trailers(found[0].trailers):
        return "9110 6.5.1: what frames or routes is no trailer"
    return "a limit of ours" if len(answer) > LIMIT else ""
