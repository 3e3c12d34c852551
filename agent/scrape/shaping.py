"""Foreign families made fit to stand beside ours: named, labelled and bounded.

Rule: ours are never touched: a foreign name that could be one of them gets PREFIX, always, whether
ours is there just now or not. Each series gets the label `job`; its own one becomes `exported_job`,
as Prometheus does it. Timestamps are dropped, and so are creation times (`_created`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample

from agent.scrape.wellformed import canonical, reserved, settled

OURS = (
    "outrider_", "process_", "http_server_", "gen_ai_", "system_", "hw_", "container_", "target_",
)  # fmt: skip
"""How names of ours begin."""
PREFIX = "model_server_"
MAX_LABELS = 30
MAX_VALUE = 256
"""Characters of a label's value."""
MAX_HELP = 500
_EXEMPLARS = frozenset(("trace_id", "span_id"))
"""Labels of exemplars that are kept."""
_MAY_HAVE = {"counter": ("_total",), "histogram": ("_bucket",), "gaugehistogram": ("_bucket",)}
"""Exemplars: by type, what the names of such samples end with."""
_CREATED = "_created"

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Labels = dict[str, str]
Show = Callable[[str], str]
Key = tuple[str, tuple[tuple[str, str], ...]]


def shaped(families: Iterable[Metric], job: str, show: Show, dropped: Counter[str]) -> list[Metric]:
    """The families as they are shown; `show` hides what is not to be. Counts what is dropped:
    label (too many, too long, or a name of other characters), native (histograms), duplicate (of a
    sample or a name)."""
    families = [*families]
    timed = {family.name + _CREATED for family in families if family.type != "gauge"}
    out: list[Metric] = []
    taken: set[str] = set()
    seen: set[Key] = set()
    for family in families:
        if family.name in timed and family.type in ("gauge", "unknown"):
            continue
        for made in settled(_made(family, job, show, dropped, seen)):
            names = reserved(made)
            if taken & names:
                dropped["duplicate"] += len(made.samples)
            else:
                taken |= names
                out.append(made)
    return out


def texts(families: Iterable[Metric]) -> list[str]:
    """All that `shaped` may ask `show` for, each once."""
    found: dict[str, None] = {}
    for family in families:
        found[family.documentation[:MAX_HELP]] = None
        for sample in family.samples:
            found |= dict.fromkeys(v for v in sample.labels.values() if len(v) <= MAX_VALUE)
    return [*found]


def named(name: str) -> str:
    """The name that a foreign family has here."""
    return PREFIX + name if name.startswith(OURS) else name


def _made(family: Metric, job: str, show: Show, dropped: Counter[str], seen: set[Key]) -> Metric:
    name = named(family.name)
    made = Metric(name, show(family.documentation[:MAX_HELP]), family.type, family.unit)
    renamed = name != family.name
    if renamed and made.type == "stateset":  # it has the family's name as a label
        made.type = "unknown"
    for sample in family.samples:
        if sample.name == family.name + _CREATED:
            continue
        if sample.native_histogram is not None:
            dropped["native"] += 1
            continue
        labels = _labels(sample.labels, job, show)
        if labels is None:
            dropped["label"] += 1
            continue
        own = PREFIX + sample.name if renamed else sample.name
        canonical(family.type, labels)
        key = (own, tuple(sorted(labels.items())))
        if key in seen:
            dropped["duplicate"] += 1
            continue
        seen.add(key)
        made.samples.append(
            Sample(own, labels, float(sample.value), None, _exemplar(sample, family.type, show))
        )
    return made


def _labels(labels: Mapping[str, str], job: str, show: Show) -> Labels | None:
    """None: they are not shown."""
    if len(labels) > MAX_LABELS or any(len(value) > MAX_VALUE for value in labels.values()):
        return None
    if not all(_LABEL.fullmatch(name) for name in labels):
        return None
    made = {"exported_job" if k == "job" else k: show(value) for k, value in labels.items()}
    return {**made, "job": job}


def _exemplar(sample: Sample, kind: str, show: Show) -> Exemplar | None:
    """With the labels that lead to a trace; none of a sample that may have none."""
    if sample.exemplar is None or not sample.name.endswith(_MAY_HAVE.get(kind, ())):
        return None
    found = sample.exemplar
    labels = {k: show(v) for k, v in found.labels.items() if k in _EXEMPLARS}
    return Exemplar(labels, found.value, found.timestamp) if labels else None
