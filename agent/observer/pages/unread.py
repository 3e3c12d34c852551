"""Routes whose payloads mostly cannot be read, though those of others can.

Rule: counts since the observer began, of what could have become rows: no request without a body, no
answer that is an error, nothing that was not copied. A route that has had nothing refused for an
hour is well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from agent.observer.decodes import DECODED
from agent.observer.pages.next_step import advice

LEAST = 20
"""Requests below which nothing is said of a route."""
HALF = 0.5
RECENT = 3600.0
"""Seconds."""
UNREAD = ("unsupported", "malformed", "too_large")
INPUTS_ONLY: Final = "inputs_only"


class Reading(NamedTuple):
    """How many of a route's requests could have become rows, and became them."""

    looked_at: int
    requests: int
    """Became rows, with or without their answers."""
    answers: int
    """Became rows together with their answers."""

    def shares(self) -> dict[str, float | None]:
        """0 to 1; None where nothing was looked at."""
        of = self.looked_at
        return {
            "decoded": self.requests / of if of else None,
            "answers_decoded": self.answers / of if of else None,
        }


NOTHING = Reading(0, 0, 0)


def reading(route: Mapping[str, Any]) -> Reading:
    """Of one route of `Decodes.status`."""
    found = {
        name: sum(one["outcomes"].get(name, 0) for one in route["dialects"]) for name in DECODED
    }
    requests = sum(found.values())
    failed = sum(route["not_decoded"].get(name, 0) for name in UNREAD)
    return Reading(requests + failed, requests, requests - found[INPUTS_ONLY])


def unread(routes: Sequence[Mapping[str, Any]], now: float | None = None) -> list[dict[str, Any]]:
    """What to do about each, the busiest first. `routes` are what `Decodes.status` says, with times
    that no pattern has redacted; `now` in seconds since the epoch."""
    now = time.time() if now is None else now
    return sorted(_unread(routes, now), key=lambda one: -one["of"])


def _unread(routes: Sequence[Mapping[str, Any]], now: float) -> Iterator[dict[str, Any]]:
    for route in routes:
        of, requests, answers = reading(route)
        if of < LEAST or answers >= HALF * of:
            continue
        if not (last := route["last_refused"]) or now - _seconds(last["at"]) > RECENT:
            continue
        is_asked = requests < HALF * of
        outcome = _outcome(route["not_decoded"], last["outcome"]) if is_asked else INPUTS_ONLY
        part, missed = ("requests", of - requests) if is_asked else ("answers", requests - answers)
        known = requests if not is_asked else of
        yield {
            "route": route["route"],
            "part": part,
            "unread": missed,
            "of": known,
            "outcome": outcome,
            "why": last["why"] if last["outcome"] == outcome else "",
            "text": "\n".join(advice(outcome, route["route"])),
            "evidence": {"not_decoded": route["not_decoded"], **last},
        }


def _outcome(not_decoded: Mapping[str, int], last: str) -> str:
    return last if last in UNREAD else max(UNREAD, key=lambda name: not_decoded.get(name, 0))


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
