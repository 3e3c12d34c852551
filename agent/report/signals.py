"""The golden signals of the traffic as rows to show: rate, errors, latency, overhead.

Rule: shows what `/api/v1/overview` tells; what it does not is left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.drift.engine.layout import number, percent
from agent.report import words
from agent.report.content import Traffic

HEAD = [
    "span",
    "requests",
    "a second",
    "server errors",
    "client errors",
    "p50",
    "p99",
    "overhead p99",
]


def rows_of(traffic: Traffic) -> tuple[list[str], list[list[str]]]:
    """A heading, and a row a span of time that is known."""
    rows = [_row(span) for span in traffic.spans.values()]
    return HEAD, [row for place, row in enumerate(rows) if row not in rows[:place]]


def tiles_of(traffic: Traffic) -> list[tuple[str, str]]:
    """The longest span in a few numbers, with what they are."""
    span = traffic.spans.get("day") or traffic.spans.get("now")
    if not span:
        return [(f"{traffic.requests:,}", "requests")]
    tiles = [(f"{_count(span.get('requests'))}", f"requests in {_lasting(span)}")]
    if (errors := _number(span.get("error_ratio"))) is not None:
        tiles.append((percent(errors), "server errors"))
    if (p99 := _number(span.get("p99_ms"))) is not None:
        tiles.append((f"{number(p99)} ms", "p99 latency"))
    return tiles


def load_of(traffic: Traffic) -> str:
    """What is known of the load on the model, in words."""
    load = {key: _number(value) for key, value in traffic.load.items()}
    told = []
    if (found := load.get("concurrency")) is not None:
        told.append(f"{number(found)} requests at once")
    if (found := load.get("saturation")) is not None:
        told.append(
            f"{percent(found) if found <= 1 else number(found)} of what it was seen to bear"
        )
    if (found := load.get("queue")) is not None:
        told.append(f"{number(found)} wait")
    if (found := load.get("rows_per_second")) is not None:
        told.append(f"{number(found)} rows a second")
    if (found := load.get("cpu_seconds_per_prediction")) is not None:
        told.append(f"{number(found * 1e3)} ms of CPU a prediction")
    return ", ".join(told)


def _row(span: Mapping[str, Any]) -> list[str]:
    ratios = (_number(span.get(key)) for key in ("error_ratio", "client_error_ratio"))
    rate = _number(span.get("rate"))
    return [
        _lasting(span),
        _count(span.get("requests")),
        "" if rate is None else number(rate),
        *("" if ratio is None else percent(ratio) for ratio in ratios),
        *(_unit(span.get(key), "ms") for key in ("p50_ms", "p99_ms")),
        _unit(span.get("overhead_p99_us"), "µs"),
    ]


def _lasting(span: Mapping[str, Any]) -> str:
    return words.lasting(_number(span.get("seconds")) or 0.0)


def _count(value: object) -> str:
    found = _number(value)
    return "" if found is None else f"{found:,.0f}"


def _unit(value: object, unit: str) -> str:
    found = _number(value)
    return "" if found is None else f"{number(found)} {unit}"


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]
