"""Families that are what their type says, so that every reader of our page can trust the type.

Rule: no sample is lost. A family that breaks the rules of its type becomes families of no type, one
for each of its samples' names.

Source: OpenMetrics 1.0, "Metric Types".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import ALLOWUTF8, generate_latest
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "histogram": ("_count", "_sum", "_bucket", "_created"),
    "gaugehistogram": ("_gcount", "_gsum", "_bucket"),
    "info": ("_info",),
}
_NUMBERS = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile"}
"""Labels that are numbers, by type."""


MOST = 2.0**53
"""That a bucket may have counted: every whole number up to it is one."""

_written: Callable[[float], str] = floatToGoString
_generate: Callable[..., bytes] = generate_latest


def prove(families: list[Metric]) -> None:
    """Writes them once, as our page will. Raises what would break it: a fault of ours."""
    _generate(_Families(families), escaping=ALLOWUTF8)


class _Families:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def reserved(family: Metric) -> set[str]:
    """The names that no other family and no sample of one may have beside it."""
    return {family.name, *(family.name + s for s in _SUFFIXES.get(family.type, ()))}


def canonical(kind: str, labels: dict[str, str]) -> None:
    """Writes a bucket's bound or a quantile as all write it: 1.0, not 1."""
    label = _NUMBERS.get(kind, "")
    if label in labels and not math.isnan(value := _number(labels[label])):
        labels[label] = _written(value)


def settled(family: Metric) -> list[Metric]:
    """The family, or its samples without a type; nothing of one without samples."""
    if not family.samples:
        return []
    whole = {"histogram": _histogram, "summary": _summary, "counter": _counter}.get(family.type)
    if family.type in ("unknown", "gauge"):
        return [family]
    if whole is None or whole(family):
        return [family]
    loose: dict[str, Metric] = {}
    for sample in family.samples:
        made = loose.setdefault(sample.name, Metric(sample.name, family.documentation, "unknown"))
        made.samples.append(sample._replace(exemplar=None))
    return [*loose.values()]


def _counter(family: Metric) -> bool:
    return all(s.name.endswith("_total") and 0 <= s.value < math.inf for s in family.samples)


def _summary(family: Metric) -> bool:
    """Puts the samples of each series together."""
    good = all(
        0 <= _number(s.labels.get("quantile", "")) <= 1
        if s.name == family.name
        else "quantile" not in s.labels and 0 <= s.value < math.inf
        for s in family.samples
    )
    groups = _groups(family, "quantile")
    family.samples = [s for group in groups.values() for part in group.values() for s in part]
    return good and all(s.name.startswith(family.name) for s in family.samples)


def _histogram(family: Metric) -> bool:
    """Puts buckets, count and sum of each series together, in this order, as readers expect it."""
    settled: list[Sample] = []
    for group in _groups(family, "le").values():
        buckets = sorted(group.get("_bucket", ()), key=lambda s: _number(s.labels.get("le", "")))
        counts, sums = group.get("_count", []), group.get("_sum", [])
        if not _are_buckets(buckets) or len(counts) != 1 or len(sums) != 1 or len(group) != 3:
            return False
        # A server that counts while it writes may have them one apart.
        settled += [*buckets, counts[0]._replace(value=buckets[-1].value), *sums]
    family.samples = settled
    return True


def _are_buckets(buckets: list[Sample]) -> bool:
    edges = [_number(bucket.labels.get("le", "")) for bucket in buckets]
    counts = [bucket.value for bucket in buckets]
    return (
        bool(edges)
        and edges[-1] == math.inf
        and all(a < b for a, b in pairwise(edges))
        and all(0 <= count <= MOST and count.is_integer() for count in counts)
        and all(a <= b for a, b in pairwise(counts))
    )


def _groups(
    family: Metric, label: str
) -> dict[tuple[tuple[str, str], ...], dict[str, list[Sample]]]:
    """Samples by their labels but this one, and by what their name has more than the family's."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, list[Sample]]] = {}
    for sample in family.samples:
        suffix = sample.name.removeprefix(family.name)
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != label))
        groups.setdefault(labels, {}).setdefault(suffix, []).append(sample)
    return groups


def _number(text: str) -> float:
    """NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
