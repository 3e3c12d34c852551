"""Pages of model servers, in the form that they have: what is shown of them, and what they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric

from agent.scrape import known
from agent.scrape.exposition import OPENMETRICS, Parsed, parse
from agent.scrape.fetch import Page
from agent.scrape.shaping import shaped

PAGES = Path(__file__).parent / "pages"


def parsed(name: str, kind: str = "text/plain", text: str | None = None) -> Parsed:
    body = text.encode() if text is not None else (PAGES / f"{name}.txt").read_bytes()
    return parse(Page(body, kind), (), known.NAMES, 2000)


def families(name: str, kind: str = "text/plain") -> dict[str, Metric]:
    found = parsed(name, kind)
    made = shaped(found.shown, "m", lambda text: text, found.dropped)
    assert not found.dropped.total()
    return {family.name: family for family in made}


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.txt")), ids=lambda page: page.stem)
def test_every_sample_of_a_page_is_shown_under_its_name(page: Path) -> None:
    kind = OPENMETRICS if page.stem == "openmetrics" else "text/plain"
    lines = [line for line in page.read_text().splitlines() if line and line[0] != "#"]
    names = [line.partition("{")[0].partition(" ")[0] for line in lines]
    shown = [
        sample.name.removeprefix("model_server_")
        for family in families(page.stem, kind).values()
        for sample in family.samples
    ]
    assert Counter(shown) == Counter(name for name in names if not name.endswith("_created"))


def test_types_and_help_are_kept() -> None:
    found = families("vllm")
    assert found["vllm:num_requests_waiting"].type == "gauge"
    assert found["vllm:num_requests_waiting"].documentation.startswith("Number of requests waiting")
    assert found["vllm:prompt_tokens"].type == "counter"
    assert found["vllm:iteration_tokens_total"].type == "histogram"
    assert [s.name.rpartition("_")[2] for s in found["vllm:iteration_tokens_total"].samples] == [
        "bucket", "bucket", "bucket", "count", "sum",
    ]  # fmt: skip
    assert all(s.labels["job"] == "m" for family in found.values() for s in family.samples)


def test_a_counter_that_does_not_end_with_total_keeps_its_name_and_loses_its_type() -> None:
    found = families("triton")["nv_inference_request_success"]
    assert (found.type, found.samples[0].name) == ("unknown", "nv_inference_request_success")
    assert found.samples[0].value == 500


def test_names_that_could_be_ours_are_told_apart() -> None:
    found = families("vllm")
    assert found["model_server_process_cpu_seconds"].samples[0].name == (
        "model_server_process_cpu_seconds_total"
    )
    assert "http_requests" in found


def test_openmetrics_is_kept_as_it_is() -> None:
    found = families("openmetrics", OPENMETRICS)
    assert {name: family.type for name, family in found.items()} == {
        "predictions": "counter",
        "model": "info",
        "latency_seconds": "histogram",
        "state": "stateset",
        "depth": "unknown",
    }
    exemplar = found["predictions"].samples[0].exemplar
    assert exemplar is not None
    assert exemplar.labels == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    assert found["latency_seconds"].unit == "seconds"


@pytest.mark.parametrize(
    ("name", "queue", "running", "cache"),
    [
        ("vllm", 5, 12, 0.4375),
        ("sglang", 8, 21, 0.28),
        ("tgi", 9, 6, None),
        ("llama_cpp", 11, 4, None),
        ("triton", 5, None, None),
        ("bentoml", None, 5, None),
        ("mlserver", None, 2, None),
    ],
)
def test_what_a_server_says_at_once(
    name: str, queue: float | None, running: float | None, cache: float | None
) -> None:
    said = known.said(None, known.reading(parsed(name).known), 0.0)
    assert said is not None
    assert (said.queue, said.running, said.kv_cache_usage) == (queue, running, cache)
    assert set(said.evidence.values()) <= known.NAMES
    assert len(said.evidence) == sum(value is not None for value in (queue, running, cache))


@pytest.mark.parametrize(
    ("name", "was", "is_now", "queue"),
    [
        ("torchserve", "2000000.0", "9000000.0", 0.7),
        ("tensorflow_serving", "3e+06", "8e+06", 0.5),
        ("mlserver", ("_sum{workerpid=\"12\"} 14.0", "_count{workerpid=\"12\"} 7.0"),
         ("_sum{workerpid=\"12\"} 44.0", "_count{workerpid=\"12\"} 17.0"), 3.0),
    ],
)  # fmt: skip
def test_what_follows_from_two_readings(
    name: str, was: str | tuple[str, ...], is_now: str | tuple[str, ...], queue: float
) -> None:
    text = (PAGES / f"{name}.txt").read_text()
    later = text
    pairs = zip(
        *((part,) if isinstance(part, str) else part for part in (was, is_now)), strict=True
    )
    for old, new in pairs:
        assert old in later
        later = later.replace(old, new)
    first, second = (known.reading(parsed("", text=one).known) for one in (text, later))
    said = known.said(first, second, 10.0)
    assert said is not None
    assert said.queue == pytest.approx(queue)
    began_anew = known.said(second, first, 10.0)
    assert began_anew is None or began_anew.queue is None


def test_a_server_that_is_not_known_says_nothing() -> None:
    assert known.said(None, known.reading(parsed("", text="depth 3\n").known), 1.0) is None


def test_what_it_says_is_read_though_it_is_not_shown() -> None:
    page = Page((PAGES / "vllm.txt").read_bytes(), "text/plain")
    found = parse(page, ("http_*",), known.NAMES, 2000)
    assert [family.name for family in found.shown] == ["http_requests"]
    said = known.said(None, known.reading(found.known), 0.0)
    assert said is not None
    assert said.queue == 5
