"""Answers that the proxy gives itself: one JSON body, the reason as the ledger counts it."""

from __future__ import annotations

import http
import json


def phrase(status: int) -> bytes:
    """The standard reason phrase of a status code (RFC 9110 section 15)."""
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Error"


def answer(
    status: int, reason: str, message: str, request_id: bytes, close: bool, with_body: bool
) -> bytes:
    """A whole response. `reason` is one of `ledger.REASONS`; the body names it and the message."""
    error = {"reason": reason, "message": message, "request_id": request_id.decode("latin-1")}
    body = json.dumps({"error": error}).encode() + b"\n"
    head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (
        status,
        phrase(status),
        len(body),
    )
    if request_id:
        head += b"x-request-id: %b\r\n" % request_id
    if status == 503:
        head += b"retry-after: 1\r\n"
    if close:
        head += b"connection: close\r\n"
    return head + b"\r\n" + (body if with_body else b"")
