"""Business values, counted and summed over the observer's life: for Prometheus and for people.

Rule: exact sums of what it is given, a few additions an exchange. Bounded: names come from the
settings, and of models MAX_MODELS are told apart, each version being one; others are `other`.

Theory. A counter may not fall, so what is below zero is summed apart, without its sign: each of the
two sums only rises, and `rate` of their difference is right (Prometheus, "Histograms and
summaries").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, Metric

from agent.config import Config
from agent.decode.rules.tally import Tally

MAX_MODELS = 64
OTHER = "other"

_SAMPLED = "Only of requests that were captured (capture.sample_ratio)."


def caveats(config: Config) -> list[str]:
    """That they are those of a part of the requests, if so."""
    ratio = config.capture.sample_ratio
    if ratio == 1 or not any(route.values for route in config.routes):
        return []
    return [
        f"business values are those of {ratio:.4g} of all requests, by capture.sample_ratio: "
        f"counts and sums are not of all"
    ]


class Value:
    """Of one name, of one version of a model."""

    __slots__ = ("false", "missing", "negative", "numbers", "positive", "true")

    def __init__(self) -> None:
        self.true = self.false = self.numbers = 0
        self.positive = self.negative = 0.0
        self.missing: Counter[str] = Counter()
        """By reason."""

    def add(self, tally: Tally) -> None:
        """Takes those of one exchange."""
        self.true += tally.true
        self.false += tally.false
        self.numbers += tally.numbers
        self.positive += tally.positive
        self.negative += tally.negative
        if tally.missing:
            self.missing[tally.why] += tally.missing


class Business:
    """All of them; also a collector for a prometheus_client registry."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], dict[str, Value]] = {}

    def add(self, model: str, version: str, tallies: Sequence[Tally]) -> None:
        """The values of one exchange. `model` and `version` as they may be shown."""
        values = self._models.get((model, version))
        if values is None:
            if len(self._models) >= MAX_MODELS:
                model, version = OTHER, ""
            values = self._models.setdefault((model, version), {})
        for tally in tallies:
            value = values.get(tally.name)
            if value is None:
                value = values[tally.name] = Value()
            value.add(tally)

    def status(self) -> list[dict[str, Any]]:
        """Of each version of a model all its values."""
        return [
            {"model": model, "version": version, "values": [_shown(*item) for item in of.items()]}
            for (model, version), of in sorted(self._models.items())
        ]

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: registering must not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Four families of counters."""
        results = _family("", "Business values that are true or false.", "result")
        numbers = _family("_numbers", "Business values that are numbers.")
        sums = _family("_sum", "Their sum, of those below zero without the sign.", "sign")
        missing = _family("_missing", "Business values that were not there.", "reason")
        for (model, version), values in self._models.items():
            of_version = [version] if version else []
            for name, value in values.items():
                at = [model, name]
                if value.true or value.false:
                    results.add_metric([*at, "true", *of_version], value.true)
                    results.add_metric([*at, "false", *of_version], value.false)
                if value.numbers:
                    numbers.add_metric([*at, *of_version], value.numbers)
                    sums.add_metric([*at, "positive", *of_version], value.positive)
                    sums.add_metric([*at, "negative", *of_version], value.negative)
                for reason, count in value.missing.items():
                    missing.add_metric([*at, reason, *of_version], count)
        yield from (results, numbers, sums, missing)


def _family(end: str, text: str, *more: str) -> CounterMetricFamily:
    labels = ("model", "name", *more, "version")
    return CounterMetricFamily(f"outrider_business_value{end}", f"{text} {_SAMPLED}", labels=labels)


def _shown(name: str, value: Value) -> dict[str, Any]:
    """What there is of it."""
    shown: dict[str, Any] = {"name": name}
    if value.true or value.false:
        shown |= {"true": value.true, "false": value.false}
    if value.numbers:
        total = value.positive - value.negative
        shown |= {"numbers": value.numbers, "sum": total, "mean": total / value.numbers}
    return shown | {"missing": dict(value.missing)}
