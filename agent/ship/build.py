"""Which sinks there are, from the settings: the one place that knows every kind.

Rule: what a kind needs is imported only where it is configured (gRPC costs 20 MB, cramjam a
package that may be missing).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from math import isinf
from typing import NamedTuple, Protocol

from agent.ship import otlp_settings
from agent.ship.loki import Loki, LokiSettings
from agent.ship.outcome import Sink
from agent.ship.queue import MemoryQueue, Queue
from agent.ship.sender import Policy, Sender, Status
from agent.ship.stdout import Stdout

OTLP, STDOUT = "otlp", "stdout"
"""Names of the sinks that the settings do not name."""

QUEUE_BYTES = 16 << 20
"""Default bound of each sink's queue."""

SPANS = Policy(max_bytes=1 << 20, max_records=8192, linger=1.0)
"""A megabyte: receivers over gRPC commonly refuse more than four."""

LINES = Policy(max_bytes=1 << 20, max_records=10_000, linger=1.0, backoff_cap=300.0)
"""Promtail's and Alloy's figures."""

PIPE = Policy(max_bytes=256 << 10, linger=0.2, timeout=None)


class Sinks(NamedTuple):
    """Senders by what they take."""

    spans: list[Sender]
    """Records that are each an ExportTraceServiceRequest."""
    stdout: list[Sender]
    """Records of whole lines, several to a record, without the last newline."""
    logs: list[Sender]
    """Records of one log line each, with labels and metadata."""

    def all(self) -> list[Sender]:
        return [*self.spans, *self.stdout, *self.logs]

    def statuses(self) -> list[Status]:
        """What each sender is at."""
        return [sender.status() for sender in self.all()]


class LokiSink(LokiSettings, Protocol):
    """A Loki's configuration, with what the sender needs of it."""

    @property
    def timeout(self) -> float:
        """Seconds for one push; infinity: no bound."""

    @property
    def queue(self) -> int:
        """Bytes."""


def make_sinks(
    env: Mapping[str, str],
    *,
    version: str,
    spans: str | None,
    stdout: bool,
    lokis: Mapping[str, LokiSink],
    log: logging.Logger,
    queue: Callable[[int], Queue] = MemoryQueue,
) -> Sinks:
    """Senders, not started yet; `spans` is the OTLP protocol, or None if none are exported.

    Raises OSError (a certificate that cannot be read) or ModuleNotFoundError (a missing extra).
    """
    agent = f"outrider/{version}"
    made = Sinks([], [], [])
    if spans is not None:
        settings = otlp_settings.read(env, "TRACES", spans)
        for warning in settings.warnings:
            log.warning(warning)
        policy = SPANS._replace(timeout=settings.timeout)
        made.spans.append(
            Sender(OTLP, spans, otlp(settings, agent), queue(QUEUE_BYTES), policy, log)
        )
    if stdout:
        made.stdout.append(Sender(STDOUT, "stdout", Stdout(), queue(QUEUE_BYTES), PIPE, log))
    for name, loki in lokis.items():
        policy = LINES._replace(timeout=None if isinf(loki.timeout) else loki.timeout)
        # Two sinks of one name would be two series of the same labels.
        own = f"{name} (loki)" if name in (OTLP, STDOUT) else name
        made.logs.append(Sender(own, "loki", Loki(loki, agent), queue(loki.queue), policy, log))
    return made


def otlp(settings: otlp_settings.OtlpSettings, user_agent: str) -> Sink:
    """The sink for the protocol that is asked for."""
    if settings.protocol == otlp_settings.GRPC:
        from agent.ship.otlp_grpc import OtlpGrpc

        return OtlpGrpc(settings, user_agent)
    from agent.ship.otlp_http import OtlpHttp

    return OtlpHttp(settings, user_agent)
