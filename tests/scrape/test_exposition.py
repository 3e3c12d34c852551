"""Any bytes in; what can be read is kept, and what cannot is counted."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from agent.scrape import known
from agent.scrape.blocks import MAX_LINE, MAX_LINES
from agent.scrape.exposition import OPENMETRICS, Parsed, parse
from agent.scrape.fetch import Page, Unread
from agent.scrape.shaping import MAX_LABELS, MAX_VALUE, OURS, shaped
from agent.signals.metrics import render
from agent.signals.otlp_metrics import metrics_data

ACCEPTS = ("", "application/openmetrics-text; version=1.0.0")


def read(
    text: str | bytes, kind: str = "text/plain", keep: tuple[str, ...] = (), most: int = 2000
) -> Parsed:
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return parse(Page(body, kind), keep, known.NAMES, most)


def shown(
    text: str, kind: str = "text/plain", most: int = 2000
) -> tuple[dict[str, float], Counter[str]]:
    """Samples as they are shown, by name and labels less `job`; and what was dropped."""
    parsed = read(text, kind, most=most)
    made = shaped(parsed.shown, "m", lambda value: value, parsed.dropped)
    return _samples(made), +parsed.dropped


def _samples(families: list[Metric]) -> dict[str, float]:
    found = {}
    for family in families:
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "job"}
            found[sample.name + (str(labels) if labels else "")] = sample.value
    return found


GOOD = "# TYPE depth gauge\ndepth 3\n"


@pytest.mark.parametrize(
    ("bad", "lost"),
    [
        ("<html>\n", 1),
        ("a{b=x} 1\n", 1),
        ('a{b="} 1\n', 1),
        ('a{b="x" 1\n', 1),
        ("a\n", 1),
        ("a nothing\n", 1),
        ("a 1_000\n", 1),
        ("{} 1\n", 1),
        ('{"quoted.name"} 1\n', 1),
        ("1a 1\n", 1),
        ('a b{c="d"} 1\n', 1),
        ("a.b 1\n", 1),
        ('a{b="1",b="2"} 1\n', 1),
        (f'a{{b="{"x" * MAX_LINE}"}} 1\n', 1),
        (f"{'a' * 300} 1\n", 1),
        ("\ufffd 1\n\x00\x01\n", 2),
        ("# TYPE a histogram of things\na_sum 1\n", 0),
        ("# TYPE a nonsense\na 1\n", 0),
        ("# TYPE\n# HELP\n#\n# TYPE 1 2 3\n", 0),
    ],
)
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_line_that_cannot_be_read_costs_no_other(bad: str, lost: int, order: str) -> None:
    found, dropped = shown(bad + GOOD if order == "before" else GOOD + bad)
    assert found["depth"] == 3
    assert dropped["malformed"] == lost


def test_the_good_lines_of_a_family_are_kept() -> None:
    text = '# TYPE a gauge\na{b="1"} 1\na{b=x} 2\na{b="3"} NaN\na{b="4"} +Inf\n'
    found, dropped = shown(text)
    assert [*found] == ["a{'b': '1'}", "a{'b': '3'}", "a{'b': '4'}"]
    assert dropped == {"malformed": 1}


def test_a_type_that_is_none_is_left_out_and_its_samples_are_kept() -> None:
    parsed = read('# HELP a Things.\n# TYPE a nonsense\na 1\na{b="2"} 2\n')
    assert [(f.name, f.type, len(f.samples)) for f in parsed.shown] == [("a", "unknown", 2)]


def test_families_that_come_twice_are_one() -> None:
    found, dropped = shown("# TYPE a gauge\na 1\n# TYPE b gauge\nb 2\n# TYPE a counter\na 1\na 5\n")
    assert found == {"a": 1, "b": 2}
    assert dropped == {"duplicate": 2}
    parsed = read('# TYPE a gauge\na{x="1"} 1\nb 2\na{x="2"} 3\n')
    assert [(f.name, f.type, len(f.samples)) for f in parsed.shown] == [
        ("a", "gauge", 2), ("b", "unknown", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "h_sum 1\nh_count 2\n",
        'h_bucket{le="1"} 1\nh_sum 1\nh_count 2\n',
        'h_bucket{le="+Inf"} 2\nh_count 2\n',
        'h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n',
        'h_bucket{le="1"} NaN\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n',
        'h_bucket{le="x"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n',
        'h_bucket 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n',
    ],
)
def test_what_is_no_histogram_is_not_called_one(text: str) -> None:
    """Other readers of our page, OTLP's encoder among them, trust the type."""
    parsed = read("# TYPE h histogram\n" + text)
    made = shaped(parsed.shown, "m", lambda value: value, parsed.dropped)
    assert {family.type for family in made} == {"unknown"}
    assert all(s.name == family.name for family in made for s in family.samples)
    assert len([s for family in made for s in family.samples]) + parsed.dropped["duplicate"] == (
        text.count("\n")
    )


def test_a_histogram_with_a_lone_nan_sum_is_one() -> None:
    parsed = read('# TYPE h histogram\nh_sum NaN\nh_count 2\nh_bucket{le="+Inf"} 2\n')
    [family] = shaped(parsed.shown, "m", lambda value: value, parsed.dropped)
    assert (family.type, [s.name for s in family.samples]) == (
        "histogram", ["h_bucket", "h_count", "h_sum"],
    )  # fmt: skip


def test_only_whole_families_are_shown_up_to_the_bound() -> None:
    text = "".join(
        f"# TYPE {name} gauge\n" + "".join(f'{name}{{n="{n}"}} 1\n' for n in range(size))
        for name, size in (("a", 4), ("b", 5), ("c", 3))
    )
    found, dropped = shown(text, most=8)
    assert {name[0] for name in found} == {"a", "c"}
    assert dropped == {"series": 5}


def test_labels_are_bounded_and_ours_wins() -> None:
    many = ",".join(f'l{n}="x"' for n in range(MAX_LABELS + 1))
    text = (
        f'a{{{many}}} 1\nb{{c="{"x" * (MAX_VALUE + 1)}"}} 1\nd{{__name="x"}} 1\n'
        'e{job="theirs"} 1\nf{"quoted.name"="x"} 1\n'
    )
    parsed = read(text)
    [family] = shaped(parsed.shown, "ours", lambda value: value, parsed.dropped)
    assert family.samples[0].labels == {"job": "ours", "exported_job": "theirs"}
    assert +parsed.dropped == {"label": 3, "malformed": 1}


def test_label_values_pass_what_hides() -> None:
    parsed = read('# HELP a Of ann\na{user="ann@example.org"} 1\na{user="bob@example.org"} 2\n')
    [family] = shaped(parsed.shown, "m", lambda value: "hidden", parsed.dropped)
    assert family.documentation == "hidden"
    assert [sample.labels["user"] for sample in family.samples] == ["hidden"]
    assert +parsed.dropped == {"duplicate": 1}, "two that are told apart no more"


def test_timestamps_are_dropped() -> None:
    parsed = read("a 1 1520879607789\n")
    [family] = shaped(parsed.shown, "m", lambda value: value, parsed.dropped)
    assert family.samples[0].timestamp is None


@pytest.mark.parametrize("ours", OURS)
def test_a_name_that_could_be_ours_is_told_apart(ours: str) -> None:
    found, _ = shown(f"# TYPE {ours}x_total counter\n{ours}x_total 1\n")
    assert found == {f"model_server_{ours}x_total": 1}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><html><body>Sign in</body></html>", "text/html"),
        (b'{"a": 1}', "application/json"),
        (b"\x0a\x05hello", "application/vnd.google.protobuf"),
        (b"<!doctype html>\n<html>\n<body>Sign in\n", "text/plain"),
        (b'{"detail": "Not Found"}', ""),
        (b"\xff\xfe\x00\x00", ""),
    ],
)
def test_what_is_no_exposition_is_told_so(body: bytes, kind: str) -> None:
    with pytest.raises(Unread, match="exposition"):
        read(body, kind)


def test_a_page_of_too_many_lines_is_not_read() -> None:
    with pytest.raises(Unread, match="lines"):
        read("\n" * (MAX_LINES + 1))


def test_an_empty_page_is_an_exposition_of_nothing() -> None:
    assert read(b"").shown == []
    assert read(b"# EOF\n", OPENMETRICS).shown == []


def test_openmetrics_without_its_end_or_order_is_read_family_by_family() -> None:
    text = "# TYPE c gauge\n# TYPE a counter\na_total 1\n# TYPE b counter\nb 1\nc 2\n"
    assert shown(text, OPENMETRICS) == ({"a_total": 1, "c": 2}, {"malformed": 1})


def test_an_openmetrics_family_that_is_not_whole_is_left_out_whole() -> None:
    text = (
        '# TYPE h histogram\nh_bucket{le="1"} 1.5\nh_count 2\nh_sum 1\n# TYPE c gauge\nc 2\n# EOF\n'
    )
    assert shown(text, OPENMETRICS) == ({"c": 2}, {"malformed": 3})


class _Fixed:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def rewritten(families: list[Metric], accept: str) -> list[Metric]:
    """What a reader gets who reads our page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(families))
    body, kind = render(registry, accept)
    return parse(Page(body, kind.partition(";")[0]), (), frozenset(), 10**6).shown


_NAME = st.sampled_from(
    ("a", "a:b", "a_total", "a_sum", "a_count", "a_bucket", "b", "process_x", "job")
)
_LINE = st.one_of(
    st.builds("# TYPE {} {}".format, _NAME, st.sampled_from(
        ("counter", "gauge", "histogram", "summary", "info", "stateset", "unknown", "x"))),
    st.builds("# HELP {} {}".format, _NAME, st.text(max_size=8)),
    st.builds("# UNIT {} {}".format, _NAME, st.sampled_from(("seconds", "total", ""))),
    st.builds(
        "{}{} {}".format,
        _NAME,
        st.sampled_from(("", '{le="1"}', '{le="+Inf"}', '{quantile="0.5"}', '{job="x"}',
                         '{http_response_status_code="²"}',
                         '{a="\\"\\n\\\\"}', "{", '{x="é"}')),
        st.sampled_from(("1", "0", "1e30", "NaN", "+Inf", "1e9", "x", "", "1 1520879607",
                         '2 # {t="u"} 3')),
    ),
    st.text(max_size=20),
    st.just("# EOF"),
)  # fmt: skip


@given(st.lists(_LINE, max_size=30).map("\n".join), st.sampled_from(("text/plain", OPENMETRICS)))
@example("# TYPE a histogram\na_bucket 1", "text/plain")
def test_any_page_gives_families_that_our_own_page_can_hold(text: str, kind: str) -> None:
    try:
        parsed = read(text, kind)
    except Unread:
        return
    made = shaped(parsed.shown, "m", lambda value: value, parsed.dropped)
    assert len({family.name for family in made}) == len(made)
    for family in made:
        assert not family.name.startswith(OURS)
        assert all(sample.labels["job"] == "m" for sample in family.samples)
    encode_metrics(metrics_data(made, Resource({}), InstrumentationScope("o", "1"), 5, 9))
    for accept in ACCEPTS:
        again = {(s.name, *s.labels.items()) for f in rewritten(made, accept) for s in f.samples}
        assert again == {(s.name, *sorted(s.labels.items())) for f in made for s in f.samples}


@given(st.binary(max_size=200), st.sampled_from(("text/plain", OPENMETRICS)))
def test_any_bytes_give_families_or_a_reason(body: bytes, kind: str) -> None:
    with suppress(Unread):
        assert isinstance(read(body, kind), Parsed)
