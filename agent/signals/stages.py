"""When the stages of a request were: an exchange's durations as points in time.

Rule: pure; all times are nanoseconds since the epoch, and none lies outside the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.exchange import Exchange, Fields


class Times(NamedTuple):
    """Points in time of one exchange."""

    end: int
    received: int
    """The request's last byte went to the model server; its head's arrival, if it never did."""
    first_byte: int | None
    """First byte of the model server's response."""
    first_event: int | None
    """First byte of its body, if that came event by event."""
    answered: bool
    """The client got a whole response, the model's or ours."""
    client_start: int | None
    """The model server was turned to (connected to, or written to); None if it never was."""


class ServerTiming(NamedTuple):
    """What the model server says of itself, in seconds; None where it does not."""

    preprocessing: float | None
    postprocessing: float | None


def of(x: Exchange) -> Times:
    """The points in time of one exchange."""
    start = x.start_ns
    end = start + int(x.duration * 1e9)
    first_byte, first_event, received, client_start = None, None, start, None
    upstream, stream, sent = x.upstream, x.stream, x.sent
    # Comparisons in line: max() and min() would be a third of the time of this function.
    if upstream >= 0:
        if stream >= 0:
            first_byte = end - int(stream * 1e9)
        else:  # it never ended; what is taken for the whole upload is its head
            first_byte = start + int((x.sent + upstream) * 1e9)
            first_byte = first_byte if first_byte < end else end
        first_byte = first_byte if first_byte > start else start
        received = first_byte - int(upstream * 1e9)
        received = received if received > start else start
        if x.streamed and x.first_piece >= 0:
            first_event = min(first_byte + int(max(x.first_piece - upstream, 0.0) * 1e9), end)
    if sent >= 0:
        waited = sent - x.connect if x.connect > 0 else sent
        client_start = start + int(waited * 1e9) if waited > 0 else start
        client_start = client_start if client_start < end else end
    elif x.error[:8] == "upstream":
        client_start = start
    answered = x.status != 499 and (not x.error or x.status >= 400)
    return Times(end, received, first_byte, first_event, answered, client_start)


def server_timing(fields: Fields) -> ServerTiming | None:
    """From the response's Server-Timing; None unless it names a stage with its duration."""
    found: dict[str, float] = {}
    for name, value in fields:
        if len(name) == 13 and name.lower() == b"server-timing":
            for stage, milliseconds in _ENTRY.findall(value.decode("latin-1")):
                found[stage.lower()] = float(milliseconds) / 1e3
    if not found:
        return None
    return ServerTiming(found.get("preprocessing"), found.get("postprocessing"))


_ENTRY = re.compile(
    r"""(?:^|,)\s*(preprocessing|postprocessing)\b[^,]*?;\s*dur\s*=\s*"?(\d{1,9}(?:\.\d{1,9})?)""",
    re.IGNORECASE,
)


def spans(times: Times, timing: ServerTiming) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each stage: one begins the wait for the response, one ends it."""
    if times.first_byte is None:
        return
    if timing.preprocessing is not None:
        end = times.received + int(timing.preprocessing * 1e9)
        yield "preprocessing", times.received, min(end, times.first_byte)
    if timing.postprocessing is not None:
        start = times.first_byte - int(timing.postprocessing * 1e9)
        yield "postprocessing", max(start, times.received), times.first_byte
