"""OTLP over HTTP: trace export requests as protobuf, posted by aiohttp.

Each record is a whole ExportTraceServiceRequest. Protobuf defines that the bytes of messages,
one after another, are the message with their repeated fields joined: a batch is one request.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agent.ship.http import NETWORK_ERRORS, Answer, Poster
from agent.ship.otlp_settings import OtlpSettings
from agent.ship.outcome import OK, Outcome, Verdict, reject, retry, retry_after
from agent.ship.queue import Record

RETRYABLE = frozenset((429, 502, 503, 504))
"""The specification's list; any other failure would fail again."""


class OtlpHttp:
    """Sink of one OTLP/HTTP endpoint."""

    def __init__(self, settings: OtlpSettings, user_agent: str) -> None:
        headers = {
            "content-type": "application/x-protobuf",
            "user-agent": user_agent,
            **settings.headers,
        }
        self._poster = Poster(settings.endpoint, headers, settings.tls(), settings.gzip)

    async def push(self, batch: Sequence[Record]) -> Outcome:
        """Sends one batch, once."""
        try:
            answer = await self._poster.post(b"".join([record.data for record in batch]))
        except NETWORK_ERRORS as error:
            return retry(str(error) or type(error).__name__)
        return verdict(answer, time.time())

    async def close(self) -> None:
        """Ends connections."""
        await self._poster.close()


def verdict(answer: Answer, now: float) -> Outcome:
    """The specification's table. `now` in seconds since the epoch."""
    if 200 <= answer.status < 300:
        return accepted(answer.body)
    if answer.status in RETRYABLE:
        return retry(f"HTTP {answer.status}", retry_after(answer.retry_after, now))
    return reject(f"HTTP {answer.status}")


def accepted(body: bytes) -> Outcome:
    """A success, which may say that some spans were refused; they must not be sent again."""
    if not body:
        return OK
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return OK  # not our protocol's answer, but a 2xx all the same
    return Outcome(Verdict.OK, partial.error_message, rejected=partial.rejected_spans)
