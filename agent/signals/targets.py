"""What is shown of a request target: never its credentials.

Rule: nobody can tell which words are secret, so what usually is one goes: user and password in an
authority (RFC 3986 section 3.2.1 says so), and the values of query parameters named like a
credential, which takes in those that OpenTelemetry's conventions for HTTP name (AWSAccessKeyId,
Signature, sig, X-Goog-Signature). Paths are shown as they came.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

REDACTED = b"REDACTED"
_CREDENTIAL = re.compile(
    rb"auth|bearer|cookie|cred|jwt|key|passw|pwd|secret|session|signature|token"
    rb"|(?<![a-z0-9])(?:code|otp|pass|pin|pw|sas|sid|sig|user|username)(?![a-z0-9])",
    re.IGNORECASE,
)


def shown(target: bytes) -> tuple[bytes, bytes | None]:
    """Path and query of a target in any of its forms (RFC 9112 section 3.2), None without "?".

    A target without a path, which is none that we pass on, but for "*", shows nothing.
    """
    path, mark, query = target.partition(b"?")
    if path[:1] != b"/" and path != b"*":
        _, mark_of_uri, rest = path.partition(b"://")
        path = b"/" + rest.partition(b"/")[2] if mark_of_uri else b""
    return path, redacted(query) if mark else None


def shown_path(target: bytes) -> str:
    """The path alone, as text."""
    return shown(target)[0].decode("latin-1")


def redacted(query: bytes) -> bytes:
    """A query with REDACTED for the values of parameters that may be credentials."""
    if b"=" not in query:
        return query
    parts = re.split(rb"([&;])", query)
    return b"".join(map(_redacted, parts))


def _redacted(parameter: bytes) -> bytes:
    name, equals, value = parameter.partition(b"=")
    if value and _CREDENTIAL.search(unquote_to_bytes(name)):
        return name + equals + REDACTED
    return parameter
