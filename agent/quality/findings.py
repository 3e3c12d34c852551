"""The catalogue of silent failures, and of each where it stands for a model.

Rule: a finding begins with the first request that shows it and is over once QUIET seconds and
QUIET_REQUESTS requests have passed without one; only beginning and end are news.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

QUIET = 300.0
QUIET_REQUESTS = 100


class Finding(NamedTuple):
    """One kind, for people."""

    name: str
    means: str
    do: str


CATALOG = (
    Finding(
        "error_body",
        "answers with a status of success hold an error and no prediction",
        "look for the error in the model server's log; let it answer with status 500",
    ),
    Finding(
        "nan_prediction",
        "predictions are NaN, infinite or null",
        "look at the example's inputs for missing or extreme values, then at the model's weights",
    ),
    Finding(
        "constant_prediction",
        "one output is always the same though the inputs differ",
        "compare the model that is loaded and its preprocessing with what was released",
    ),
    Finding(
        "probability_sum",
        "probabilities that have always summed to one do not",
        "look for a missing softmax, a changed class list or damaged numbers",
    ),
    Finding(
        "same_output",
        "many different inputs get the very same answer, which was rare before",
        "look for a fallback or a default that answers instead of the model",
    ),
    Finding(
        "rows_differ",
        "batches are answered with more or fewer rows than were asked for",
        "look for rows that the server drops or repeats: answers go to the wrong rows",
    ),
)
BY_NAME = {finding.name: finding for finding in CATALOG}


class News(NamedTuple):
    """That a finding began or is over, for the log."""

    model: str
    version: str
    finding: str
    began: bool
    since: float
    """Seconds since the epoch."""
    requests: int
    """That showed it since then."""
    share: float
    """Of all requests since then."""
    where: str
    """The output, or what else says it."""
    example: str
    """A request id; may be empty."""


class State:
    """Of one finding of one model."""

    __slots__ = ("example", "first", "last", "now", "seen_at", "since", "total", "where")

    def __init__(self) -> None:
        self.total = 0
        """Requests since the start of the process."""
        self.since: float | None = None
        """None: it is not so now."""
        self.first = self.last = self.seen_at = 0.0
        self.now = 0
        """Requests since it began."""
        self.where = self.example = ""


class Tally:
    """Of one model, in one version."""

    def __init__(self, model: str, version: str) -> None:
        self.model, self.version = model, version
        self.requests = 0
        """Looked at since the start."""
        self.states: dict[str, State] = {}

    def found(self, name: str, requests: int, now: float, where: str, example: str) -> News | None:
        """So many requests of those counted last showed it; news if it has begun."""
        state = self.states.setdefault(name, State())
        state.total += requests
        begins = state.since is None
        if begins:
            state.since, state.now, state.example = now, 0, ""
            state.first = max(0, self.requests - requests)
        state.now += requests
        state.last, state.seen_at, state.where = now, self.requests, where
        state.example = example or state.example
        return self._news(name, state, began=True) if begins else None

    def look(self, now: float) -> Iterator[News]:
        """Those that are over."""
        for name, state in self.states.items():
            if state.since is None or now - state.last < QUIET:
                continue
            if self.requests - state.seen_at >= QUIET_REQUESTS:
                yield self._news(name, state, began=False)
                state.since = None

    def _news(self, name: str, state: State, *, began: bool) -> News:
        until = self.requests if began else state.seen_at
        share = min(1.0, state.now / max(1, until - state.first))
        since = state.since or 0.0
        told = since, state.now, share, state.where, state.example
        return News(self.model, self.version, name, began, *told)

    def status(self) -> Iterator[dict[str, Any]]:
        """Of each that is or was, for `/api/v1/status`."""
        for name, state in self.states.items():
            kind = BY_NAME[name]
            share = state.now / max(1, self.requests - state.first)
            yield {
                "model": self.model,
                **({"version": self.version} if self.version else {}),
                "finding": name,
                "active": state.since is not None,
                "since": None if state.since is None else _at(state.since),
                "last": _at(state.last),
                "requests": state.now,
                "share": round(min(1.0, share), 6) if state.since is not None else 0.0,
                "where": state.where,
                "example": state.example,
                "means": kind.means,
                "do": kind.do,
            }


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
