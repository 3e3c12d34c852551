"""What a proxy may and must change in a message head.

Rule: pure. Parsed parts in, the parts of a new head out; no sockets, no clocks.

Theory. llhttp has parsed the bytes strictly, but leaves the whitespace behind a value; a head is
never passed on as it came but serialised again from the parts, so that nothing we did not
understand goes on. Order, case, duplicates and the raw target stay; hop-by-hop fields go (RFC 9110
section 7.6.1), and what llhttp does not check is checked here: Host (RFC 9112 section 3.2),
transfer codings other than chunked and any in HTTP/1.0 (RFC 9112 section 6.1), upgrades with a
body, reason phrases.
"""

from __future__ import annotations

import re

from agent.exchange import Fields

BODILESS = (204, 304)
PASSED = frozenset({b"host", b"content-length"})
"""Read here, and passed on where they stood."""
FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})
REQUEST_FIELDS = (
    frozenset(
        {
            b"connection",
            b"keep-alive",
            b"proxy-connection",
            b"te",
            b"transfer-encoding",
            b"upgrade",
            b"x-request-id",
        }
    )
    | PASSED
    | FORWARDED
)
TRACED_FIELDS = REQUEST_FIELDS | {b"traceparent", b"tracestate"}
"""What is read where spans are exported; elsewhere a trace context passes like any field."""
RESPONSE_FIELDS = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"x-request-id",
    }
)
NO_TRAILERS = frozenset({b"trailer", b"authorization", b"content-encoding", b"content-type"})
KEPT_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
"""Connection options that name no field, or one that is dropped anyway."""
PROTECTED = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"x-request-id", b"via", b"traceparent"}
)
"""Fields that a Connection option may not take out: a peer would bend framing or identity."""

MAX_OPTIONS = 4096
"""Bytes of Connection fields; a list of names costs forty times its bytes while it is read."""

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_good_hosts: set[bytes] = set()
_status_lines: dict[tuple[int, bytes], bytes] = {}
REMEMBERED = 256
"""Checked hosts and status lines that are remembered, so that checking is paid for once."""
_SLASH = ord("/")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REASON = re.compile(rb"[\t \x21-\x7e\x80-\xff]*")
_AUTHORITY = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class BadMessage(Exception):
    """A message that must not go on. `status` is the answer for a request; 502 for a response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RequestHead:
    """A checked request head. What it does not have stands in the class (measured: cheaper)."""

    host = b""
    length = 0
    chunked = False
    close = False
    upgrade = b""
    request_id = b""
    traceparent = b""
    tracestate = b""
    """Of several fields the values joined (RFC 9110 section 5.3)."""
    forwarded: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        """Its field lines in serialised pieces, not joined yet."""


def read_request(
    method: bytes,
    target: bytes,
    version: str,
    fields: Fields,
    tunnels: frozenset[bytes],
    special: frozenset[bytes] = REQUEST_FIELDS,
) -> RequestHead:
    """Checks a request head and takes out what must not go on.

    `tunnels` names the protocols (lower case) that may be upgraded to; `special` is
    `TRACED_FIELDS` where the trace context is ours to write. Raises BadMessage.
    """
    lines: list[bytes] = []
    head = RequestHead(lines)
    if version != "1.1":
        _check_version(head, version)
    if method == b"CONNECT":
        raise BadMessage(405, "CONNECT is not served: this is no forward proxy")
    hosts = 0
    connection: list[bytes] = []
    for name, value in fields:
        key = name.lower()
        if key in special:
            if key == b"host":
                hosts += 1
                head.host = value = value.rstrip()
                if not value:
                    continue
            elif key == b"content-length":
                head.length = int(value)
            elif key == b"connection":
                connection.append(value)
                continue
            elif key == b"transfer-encoding":
                if head.chunked or value.rstrip().lower() != b"chunked":
                    raise BadMessage(501, "a transfer coding other than chunked is not supported")
                if version == "1.0":
                    raise BadMessage(400, "Transfer-Encoding in HTTP/1.0 has no sound framing")
                head.chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
                continue
            elif key == b"x-request-id":
                head.request_id = value.rstrip() if not head.request_id else b"\0"
                continue
            elif key == b"traceparent":
                head.traceparent = value.rstrip() if not head.traceparent else b"\0"
                continue
            elif key == b"tracestate":
                head.tracestate += b"," + value if head.tracestate else value
                continue
            elif key == b"upgrade":
                head.upgrade = value.strip().lower() if not head.upgrade else b"\0"
                continue
            elif key in FORWARDED:
                head.forwarded += ((key, value),)
                continue
            else:
                continue
        lines += (name, b": ", value, b"\r\n")
    if hosts != 1 or head.host not in _good_hosts:
        _check_host(version, head.host, hosts)
    if target[0] != _SLASH or b"#" in target:
        _check_target(method, target, head, hosts)
    if connection:
        _apply_connection(head, connection)
    elif head.upgrade:
        head.upgrade = b""
    if head.upgrade:
        _apply_upgrade(head, version, tunnels)
    return head


def _check_version(head: RequestHead, version: str) -> None:
    if version == "0.9":
        raise BadMessage(400, "the request line has no version; use HTTP/1.1")
    if version != "1.0":
        raise BadMessage(505, "this HTTP version is not spoken here; use HTTP/1.1")
    head.close = True


def _check_host(version: str, host: bytes, hosts: int) -> None:
    if hosts != 1 and (hosts or version != "1.0"):
        raise BadMessage(400, "exactly one Host field is needed")
    if hosts and not _HOST.fullmatch(host):
        raise BadMessage(400, "the Host field is no host and port")
    if len(_good_hosts) < REMEMBERED:
        _good_hosts.add(host)


def _check_target(method: bytes, target: bytes, head: RequestHead, hosts: int) -> None:
    if b"#" in target:
        raise BadMessage(400, "a request target has no fragment")
    if target == b"*" and method == b"OPTIONS":
        return
    absolute = _AUTHORITY.match(target)
    if not absolute or not absolute[1]:
        raise BadMessage(400, "the request target is neither a path nor an absolute URI")
    if hosts and absolute[1].lower() != head.host.lower():
        raise BadMessage(400, "the Host field contradicts the request target")
    if not hosts:  # HTTP/1.0: the target says what Host would (RFC 9112 section 3.2.2)
        _check_host("1.0", absolute[1], 1)
        head.host = absolute[1]
        head.lines += (b"host: ", absolute[1], b"\r\n")


def _options(values: list[bytes]) -> set[bytes]:
    return {option.strip().lower() for value in values for option in value.split(b",")} - {b""}


def _apply_connection(head: RequestHead | ResponseHead, values: list[bytes]) -> None:
    if sum(map(len, values)) > MAX_OPTIONS:
        status = 431 if isinstance(head, RequestHead) else 502
        raise BadMessage(status, "the Connection field is too long")
    options = _options(values)
    if b"close" in options:
        head.close = True
    elif b"keep-alive" in options:
        head.close = False
    if isinstance(head, RequestHead) and b"upgrade" not in options:
        head.upgrade = b""
    named = options - KEPT_OPTIONS - PROTECTED
    if named:
        head.lines = without(head.lines, named)


def _apply_upgrade(head: RequestHead, version: str, tunnels: frozenset[bytes]) -> None:
    if head.upgrade not in tunnels or version == "1.0":
        head.upgrade = b""
    elif head.chunked or head.length:
        raise BadMessage(400, "an upgrade to another protocol cannot have a body")
    else:
        head.lines += (b"connection: upgrade\r\nupgrade: ", head.upgrade, b"\r\n")


def without(lines: list[bytes], names: set[bytes]) -> list[bytes]:
    """Serialised field lines less those of the fields in `names` (lower case)."""
    whole = b"".join(lines).split(b"\r\n")
    kept = [line for line in whole if line and line.split(b":", 1)[0].lower() not in names]
    return [line + b"\r\n" for line in kept]


def may_be_trailers(fields: Fields) -> bool:
    """Whether none of the fields frames, routes or authorises a message (RFC 9110 6.5.1)."""
    return all((k := n.lower()) not in REQUEST_FIELDS and k not in NO_TRAILERS for n, _ in fields)


def trailer_lines(fields: Fields) -> list[bytes]:
    """Trailer fields in serialised pieces, less those that may not stand there (RFC 9110 6.5.1)."""
    lines: list[bytes] = []
    for name, value in fields:
        key = name.lower()
        if key not in REQUEST_FIELDS and key not in NO_TRAILERS:
            lines += (name, b": ", value, b"\r\n")
    return lines


def valid_request_id(value: bytes) -> bool:
    """Whether a client's X-Request-Id is kept (the contract's alphabet and length)."""
    return _REQUEST_ID.fullmatch(value) is not None


def read_traceparent(value: bytes) -> tuple[bytes, bytes, int] | None:
    """Trace id, parent span id and flags (W3C Trace Context, section 3.2.2), or None if invalid."""
    found = _TRACEPARENT.fullmatch(value)
    if found is None:
        return None
    version, trace_id, parent, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more):
        return None
    if trace_id == b"0" * 32 or parent == b"0" * 16:
        return None
    return bytes.fromhex(trace_id.decode()), bytes.fromhex(parent.decode()), int(flags, 16)


class ResponseHead:
    """A checked response head. `framing`: how its body ends, "none", "length", "chunked", "close".

    What it does not have stands in the class (measured: cheaper).
    """

    framing = "length"
    version = "1.1"
    length = -1
    close = False
    keep_alive = b""
    request_id = b""
    upgrade = b""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        """Its field lines in serialised pieces, not joined yet."""


def read_response(
    status: int, reason: bytes, version: str, fields: Fields, to_head: bool
) -> ResponseHead:
    """Checks a response head and takes out what must not go on.

    `to_head`: it answers a HEAD request. Content-Length stays in `lines` where it stood;
    Transfer-Encoding does not: who writes the body says how. Raises BadMessage.
    """
    lines: list[bytes] = []
    head = ResponseHead(lines)
    if version != "1.1":
        if version != "1.0":
            raise BadMessage(502, "the model server does not speak HTTP/1.1")
        head.version = version
        head.close = True
    chunked = False
    bodiless = status < 200 or status in BODILESS
    connection: list[bytes] = []
    for name, value in fields:
        key = name.lower()
        if key in RESPONSE_FIELDS:
            if key == b"content-length":
                head.length = int(value)
                if bodiless and status != 304:
                    continue
            elif key == b"connection":
                connection.append(value)
                continue
            elif key == b"transfer-encoding":
                if chunked or value.rstrip().lower() != b"chunked" or version == "1.0":
                    raise BadMessage(502, "the model server's transfer coding is not chunked")
                chunked = True
                continue
            elif key == b"x-request-id":
                head.request_id = value
            elif key == b"upgrade":
                head.upgrade = value.rstrip()
                if status not in (101, 426):
                    continue
                lines.append(b"connection: upgrade\r\n")
            else:
                if key == b"keep-alive":
                    head.keep_alive = value
                continue
        lines += (name, b": ", value, b"\r\n")
    if connection:
        _apply_connection(head, connection)
    if bodiless or to_head:
        head.framing = "none"
        if chunked and not bodiless:
            head.lines.append(b"transfer-encoding: chunked\r\n")
    elif chunked:
        head.framing = "chunked"
    elif head.length < 0:
        head.framing = "close"
        head.close = True
    return head


def status_line(status: int, reason: bytes) -> bytes:
    """The status line of a response that goes on. Raises BadMessage; remembers what it checked."""
    line = _status_lines.get((status, reason))
    if line is None:
        if not 100 <= status <= 999 or not _REASON.fullmatch(reason):
            raise BadMessage(502, "the model server's status line is not valid")
        line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
        if len(_status_lines) < REMEMBERED:
            _status_lines[status, reason] = line
    return line
