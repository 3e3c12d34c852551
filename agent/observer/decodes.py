"""What became of payloads: a Prometheus family by dialect, and for people what each route speaks.

Rule: one addition to a dictionary an exchange; all else is done when somebody asks. Bounded: the
routes of the ledger × dialects × outcomes, evidence beyond `MAX_KINDS` counted as one, and the
first bytes of one refused request a route.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, Metric

from agent.decode.bodies.codings import KNOWN, named
from agent.decode.outline import SEEN, UNSHOWN, first_keys
from agent.decode.payload import Decoded, Outcome
from agent.decode.registry import NONE
from agent.decode.skeleton import skeleton
from agent.exchange import Exchange, field

MAX_KINDS = 1000
"""Of route, dialect, outcome and evidence."""
OTHER = "other evidence"
MAX_TYPE = 100
"""Characters kept of a media type."""
_MEDIA_TYPE = re.compile(rb"[a-z]{1,20}/[a-z0-9.+-]{1,60}")

REFUSED = frozenset[Outcome](("empty", "unsupported", "malformed", "too_large", "inputs_only"))
"""Outcomes that are told with what was refused."""
DECODED = frozenset[Outcome](("ok", "inputs_only"))

Kind = tuple[str, str, Outcome, str]
"""Route, dialect, outcome, evidence."""


class _Last(NamedTuple):
    """Of the last request of a route that was refused; its first bytes, for its keys' names."""

    at_ns: int
    dialect: str
    outcome: Outcome
    why: str
    media_type: bytes
    codings: list[str]
    size: int
    answer_type: bytes
    begin: bytes


class Decodes:
    """Counts since the observer began."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._last: dict[str, _Last] = {}

    def add(self, kind: Kind, exchanges: int) -> None:
        """So many exchanges of a kind."""
        counts = self._counts
        if kind not in counts:
            if len(counts) >= MAX_KINDS:
                kind = (*kind[:3], OTHER if kind[3] else "")
            counts.setdefault(kind, 0)
        counts[kind] += exchanges

    def refused(self, exchange: Exchange, found: Decoded) -> None:
        """Remembers what it looked like."""
        fields, body = exchange.request_fields, exchange.request_body
        self._last[exchange.route] = _Last(
            exchange.start_ns,
            found.dialect,
            found.outcome,
            found.why,
            (field(fields, b"content-type") or b"")[:MAX_TYPE],
            named(fields),
            exchange.request_size,
            (field(exchange.response_fields, b"content-type") or b"")[:MAX_TYPE],
            body[0][:SEEN] if body is not None else b"",
        )

    def totals(self) -> Counter[tuple[str, str]]:
        """By dialect and outcome."""
        totals: Counter[tuple[str, str]] = Counter()
        for (_, dialect, outcome, _), count in self._counts.items():
            totals[dialect, outcome] += count
        return totals

    def status(self) -> list[dict[str, Any]]:
        """Of each route which dialects were chosen and why, and what was not decoded."""
        routes: dict[str, list[tuple[Kind, int]]] = defaultdict(list)
        for kind, count in self._counts.items():
            routes[kind[0]].append((kind, count))
        return [
            {
                "route": route,
                "dialects": _dialects(kinds),
                "not_decoded": _not_decoded(kinds),
                "last_refused": _shape(self._last.get(route)),
            }
            for route, kinds in sorted(routes.items())
        ]


def _dialects(kinds: list[tuple[Kind, int]]) -> list[dict[str, Any]]:
    """The most frequent first."""
    chosen: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (_, dialect, outcome, evidence), count in kinds:
        if dialect != NONE:
            chosen[dialect, evidence][outcome] += count
    found = sorted(chosen.items(), key=lambda item: -item[1].total())
    return [
        {"dialect": dialect, "evidence": evidence, "requests": outcomes.total(), **_one(outcomes)}
        for (dialect, evidence), outcomes in found
    ]


def _one(outcomes: Counter[str]) -> dict[str, Any]:
    return {"outcomes": dict(outcomes.most_common())}


def _not_decoded(kinds: list[tuple[Kind, int]]) -> dict[str, int]:
    outcomes: Counter[str] = Counter()
    for (_, _, outcome, _), count in kinds:
        if outcome not in DECODED:
            outcomes[outcome] += count
    return dict(outcomes.most_common())


def _shape(last: _Last | None) -> dict[str, Any] | None:
    """What it looked like: never its values."""
    if last is None:
        return None
    return {
        "at": datetime.fromtimestamp(last.at_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        "dialect": last.dialect,
        "outcome": last.outcome,
        "why": last.why,
        "media_type": _token(last.media_type),
        "codings": [coding if coding in KNOWN else UNSHOWN for coding in last.codings[:4]],
        "bytes": last.size,
        "first_keys": first_keys(last.begin),
        "shape": skeleton(last.begin),
        "answer_media_type": _token(last.answer_type),
    }


def _token(media_type: bytes) -> str:
    """A media type without its parameters; a mark for what is none."""
    kind = media_type.partition(b";")[0].strip().lower()
    return kind.decode() if _MEDIA_TYPE.fullmatch(kind) else UNSHOWN if kind else ""


class ImageCollector:
    """Reads how many images were measured, and why others were not."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """`outrider_images_total`."""
        family = CounterMetricFamily(
            "outrider_images",
            "Images by whether their brightness was measured; none are counted without Pillow.",
            labels=("outcome",),
        )
        for outcome, count in self._counts.items():
            family.add_metric((outcome,), count)
        yield family


class DecodeCollector:
    """Reads the pipeline's counts, by dialect and outcome."""

    def __init__(self, totals: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """`outrider_decode_total`."""
        family = CounterMetricFamily(
            "outrider_decode",
            "Sampled exchanges by dialect and by what became of their payload.",
            labels=("dialect", "outcome"),
        )
        for labels, count in sorted(self._totals().items()):
            family.add_metric(labels, count)
        yield family
