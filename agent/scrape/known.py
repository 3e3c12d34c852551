"""What model servers call their queue, what runs and how full their cache is.

Rule: a table of names; a server is told by which of them it has. Numbers are summed over its
series, as a server has one queue a model or an engine; of a cache the fullest counts.

Where a server has no gauge but the time that requests waited, as a counter, the mean number that
waited is its growth a second (Little's law).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from prometheus_client.metrics_core import Metric

What = Literal["queue", "running", "kv_cache_usage"]
How = Literal["gauge", "microseconds", "observed"]


class Known(NamedTuple):
    """One name that a server may have."""

    what: What
    name: str
    how: How = "gauge"
    """microseconds: cumulative waiting time; observed: a histogram of the queue's length."""


KNOWN = (
    # vLLM: docs.vllm.ai, "Production Metrics"; the cache had another name before its V1 engine.
    Known("queue", "vllm:num_requests_waiting"),
    Known("running", "vllm:num_requests_running"),
    Known("kv_cache_usage", "vllm:kv_cache_usage_perc"),
    Known("kv_cache_usage", "vllm:gpu_cache_usage_perc"),
    # SGLang: docs.sglang.io, "Production Metrics".
    Known("queue", "sglang:num_queue_reqs"),
    Known("running", "sglang:num_running_reqs"),
    Known("kv_cache_usage", "sglang:token_usage"),
    # Text Generation Inference: huggingface.co/docs/text-generation-inference/reference/metrics.
    Known("queue", "tgi_queue_size"),
    Known("running", "tgi_batch_current_size"),
    # llama.cpp's server, with --metrics: tools/server/README.md.
    Known("queue", "llamacpp:requests_deferred"),
    Known("running", "llamacpp:requests_processing"),
    Known("kv_cache_usage", "llamacpp:kv_cache_usage_ratio"),
    # Triton: docs/user_guide/metrics.md.
    Known("queue", "nv_inference_pending_request_count"),
    Known("queue", "nv_inference_queue_duration_us", "microseconds"),
    # TorchServe, with metrics_mode=prometheus: docs/metrics.md.
    Known("queue", "ts_queue_latency_microseconds", "microseconds"),
    # OpenVINO Model Server: docs.openvino.ai, "Metrics".
    Known("running", "ovms_current_requests"),
    # MLServer: docs.seldon.ai, "Metrics"; seen with 1.7. In progress are those too that wait.
    Known("queue", "parallel_request_queue", "observed"),
    Known("queue", "batch_request_queue", "observed"),
    Known("running", "rest_server_requests_in_progress"),
    # TensorFlow Serving, with batching. Not verified: that the unit is microseconds.
    Known("queue", ":tensorflow:serving:batching_session:queuing_latency", "microseconds"),
    # BentoML: seen with 1.4. In progress are those too that wait.
    Known("running", "bentoml_service_request_in_progress"),
)
"""Of those for one thing the first that is there counts."""
NAMES = frozenset(known.name for known in KNOWN)


class Said(NamedTuple):
    """What a server says of itself; None where it says nothing."""

    queue: float | None
    running: float | None
    kv_cache_usage: float | None
    evidence: Mapping[str, str]
    """The metric that each of them is from."""

    def status(self) -> dict[str, Any]:
        """As plain data."""
        return {**self._asdict(), "evidence": dict(self.evidence)}


class Totals(NamedTuple):
    """Sums over the series of one known family."""

    value: float
    """Of gauges and counters, or of a histogram's `_sum`."""
    number: float
    """A histogram's `_count`."""
    most: float


Reading = Mapping[str, Totals]


def reading(families: Iterable[Metric]) -> dict[str, Totals]:
    """The known ones among them, by name; NaN counts as not there."""
    found: dict[str, Totals] = {}
    for family in families:
        values = [s.value for s in family.samples if s.name in (family.name, _total(family))]
        sums = _finite(s.value for s in family.samples if s.name == family.name + "_sum")
        counts = _finite(s.value for s in family.samples if s.name == family.name + "_count")
        plain = _finite(values)
        if plain or sums:
            most = max(plain, default=0.0)
            found[family.name] = Totals(sum(plain or sums), sum(counts), most)
    return found


def said(before: Reading | None, now: Reading, seconds: float) -> Said | None:
    """What follows from two readings that are `seconds` apart; None: nothing."""
    values: dict[str, float] = {}
    evidence: dict[str, str] = {}
    for known in KNOWN:
        if known.what in values or known.name not in now:
            continue
        first = None if before is None else before.get(known.name)
        value = _HOW[known.how](first, now[known.name], seconds, known.what)
        if value is not None:
            values[known.what] = value
            evidence[known.what] = known.name
    if not values:
        return None
    return Said(values.get("queue"), values.get("running"), values.get("kv_cache_usage"), evidence)


def _gauge(_: Totals | None, now: Totals, __: float, what: str) -> float | None:
    return now.most if what == "kv_cache_usage" else max(now.value, 0.0)


def _waited(first: Totals | None, now: Totals, seconds: float, _: str) -> float | None:
    """None at first, and when the server began anew."""
    if first is None or now.value < first.value or seconds <= 0:
        return None
    return (now.value - first.value) / 1e6 / seconds


def _observed(first: Totals | None, now: Totals, _: float, __: str) -> float | None:
    """The mean of what was observed between; None if nothing was."""
    if first is None or now.number <= first.number or now.value < first.value:
        return None
    return (now.value - first.value) / (now.number - first.number)


_HOW: dict[How, Callable[[Totals | None, Totals, float, str], float | None]] = {
    "gauge": _gauge,
    "microseconds": _waited,
    "observed": _observed,
}


def _total(family: Metric) -> str:
    return family.name + "_total"


def _finite(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values if math.isfinite(value)]
