"""Findings are raised when they should be, and in no hour of benign traffic of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decode.payload import NO_ROWS, Payload
from agent.quality.findings import BY_NAME, QUIET
from agent.quality.monitor import IDLE, MAX_WATCHED, Quality
from tests.quality.streams import (
    BENIGN,
    Clock,
    answered,
    features,
    found,
    logits,
    payload,
    run,
    shares,
)


@pytest.mark.parametrize("stream", BENIGN, ids=lambda stream: stream.__name__)
def test_an_hour_of_benign_traffic_has_no_finding(stream: Callable[..., Iterator[Payload]]):
    assert found(stream(np.random.default_rng(7))) == []


HEALTHY, BROKEN = 7000, 3000


def broken(healthy: Any, after: Any) -> list[Any]:
    """Findings of a stream that was good, then another."""
    asked = features(np.random.default_rng(3), HEALTHY + BROKEN)
    good = [healthy(row) for row in zip(logits(asked), shares(asked), strict=True)][:HEALTHY]
    bad = [after(row) for row in zip(logits(asked), shares(asked), strict=True)][HEALTHY:]
    return found(answered(asked, good + bad))


def value(row: Any) -> dict[str, Any]:
    return {"predictions": float(row[0])}


def pair(row: Any) -> dict[str, Any]:
    return {"predictions-0": float(1 - row[1]), "predictions-1": float(row[1])}


def kind(row: Any) -> dict[str, Any]:
    return {"label": "yes" if row[0] > 0 else "no"}


def fallback(row: Any) -> dict[str, Any]:
    return {"predictions": 0.4321 if math.sin(1e3 * row[0]) > 0 else float(row[0])}


@pytest.mark.parametrize(
    ("healthy", "after", "finding"),
    [
        (value, lambda row: {"predictions": math.nan}, "nan_prediction"),
        (value, lambda row: {"predictions": None}, "nan_prediction"),
        (value, lambda row: {"predictions": math.inf}, "nan_prediction"),
        (pair, lambda row: {"predictions-0": math.nan, "predictions-1": 0.5}, "nan_prediction"),
        (kind, lambda row: {"label": None}, "nan_prediction"),
        (value, lambda row: {"predictions": 0.25}, "constant_prediction"),
        (value, lambda row: {"predictions": 0.0}, "constant_prediction"),
        (value, lambda row: {"predictions": 1e9 + 0.5}, "constant_prediction"),
        (kind, lambda row: {"label": "no"}, "constant_prediction"),
        (pair, lambda row: {"predictions-0": 0.5, "predictions-1": 0.5}, "constant_prediction"),
        (pair, lambda row: {"predictions-0": row[1], "predictions-1": row[1]}, "probability_sum"),
        (pair, lambda row: {"predictions-0": -0.2, "predictions-1": 1.2}, "probability_sum"),
        (value, fallback, "same_output"),
        (value, lambda row: {"error": "out of memory"}, "error_body"),
    ],
)
def test_an_answer_that_breaks_is_found(healthy: Any, after: Any, finding: str) -> None:
    news = broken(healthy, after)
    assert finding in [one.finding for one in news]
    assert all(one.began and one.since >= 1e9 for one in news)
    assert "rows_differ" not in [one.finding for one in news]


def test_one_nan_among_thousands_is_found_with_its_request():
    stream = [payload({"x": (n,)}, {"y": (n * 0.1,)}) for n in range(5000)]
    stream[4321] = payload({"x": (1,)}, {"y": (math.nan,)}, first=(b"that one", b""))
    [news] = found(stream)
    assert (news.finding, news.example, news.requests, news.where) == (
        "nan_prediction", "that one", 1, "y",
    )  # fmt: skip


def test_a_model_that_is_broken_from_the_start_is_found():
    def stream(answer: object) -> Iterator[Payload]:
        return answered(features(np.random.default_rng(1), 1500), [{"predictions": answer}] * 1500)

    assert [news.finding for news in found(stream(0.37))] == ["constant_prediction"]
    assert [news.finding for news in found(stream(None))] == ["nan_prediction"]
    assert [news.finding for news in found(stream(math.nan))] == ["nan_prediction"]
    assert found(stream(1)) == []
    assert found(stream("cat")) == []


def test_probabilities_by_name_are_known_too():
    rows = np.random.default_rng(2).dirichlet([1, 1, 1], size=400)
    good = [{"label": "x", **dict(zip("abc", row, strict=True))} for row in rows.tolist()]
    news = found(answered(features(np.random.default_rng(1), 401), [*good, good[0] | {"a": 0.9}]))
    assert [(one.finding, one.requests) for one in news] == [("probability_sum", 1)]


def batch(rows: int, answered: int, **more: Any) -> Payload:
    outputs = {"y": [0.5 + n for n in range(answered)]} if answered else {}
    return payload({"x": [*range(rows)]}, outputs, **more)


@pytest.mark.parametrize(
    "odd", [batch(8, 7), batch(8, 9), batch(8, 1), batch(8, 0, failure=NO_ROWS)]
)
def test_rows_in_are_rows_out_where_they_always_were(odd: Payload):
    news = found([*[batch(n % 9 + 2, n % 9 + 2) for n in range(100)], odd])
    assert [(one.finding, one.requests) for one in news] == [("rows_differ", 1)]


def test_a_request_counts_once_however_many_of_its_outputs_show_it():
    clock = Clock()
    quality = Quality(clock)
    asked = features(np.random.default_rng(3), HEALTHY + BROKEN)
    good = [{f"v-{n}": v * n for n in range(1, 5)} for v in logits(asked)[:HEALTHY].tolist()]
    stuck = [{f"v-{n}": 0.5 for n in range(1, 5)}] * BROKEN
    run(quality, answered(asked, [*good, *stuck]), clock)
    states = {one["finding"]: one for one in quality.status()["findings"]}
    assert BROKEN / 2 < states["constant_prediction"]["requests"] <= BROKEN


def test_null_in_lists_of_one_length_is_found():
    good = [payload({"x": (n,)}, {"p-0": (n * 0.1,), "p-1": (n * 0.3,)}) for n in range(600)]
    bad = payload({"x": (1,)}, {"p-0": (0.1,), "p-1": (None,)})
    assert [(one.finding, one.where) for one in found([*good, bad])] == [("nan_prediction", "p-1")]


def test_nan_in_lists_of_any_length_is_found():
    good = [
        payload({"x": (n,)}, {f"v-{k}": (n * 0.1,) for k in range(1 + n % 5)}) for n in range(600)
    ]
    bad = payload({"x": (1,)}, {"v-0": (0.1,), "v-1": (math.nan,)})
    assert [(one.finding, one.where) for one in found([*good, bad])] == [("nan_prediction", "v-1")]


def test_inputs_are_kept_only_of_outputs_that_have_ever_varied():
    quality = Quality(Clock())
    asked = features(np.random.default_rng(3), 3000)
    answers = [{"prediction": value, "limit": 0.5} for value in logits(asked).tolist()]
    run(quality, answered(asked, answers), Clock())
    [watch] = quality.watched.values()
    [layout] = watch.layouts.values()
    assert not layout._constants["limit"]._inputs


def test_an_answer_that_was_not_understood_says_nothing_of_rows():
    assert found([*[batch(3, 3)] * 100, batch(3, 0)]) == []


def test_requests_decoded_together_are_counted_each():
    asked, answers = {"x": range(6)}, {"y": [0.1 * n for n in range(6)]}
    good = payload(asked, answers, sizes=([2, 2, 2], [2, 2, 2]))
    odd = payload(asked, answers, sizes=([2, 2, 2], [3, 2, 1]))
    bad = payload({"x": range(4)}, {"y": [0.5, math.nan, math.nan, None]}, sizes=((), ()))
    news = found([*[good] * 700, odd, bad])
    assert {one.finding: one.requests for one in news} == {"rows_differ": 2, "nan_prediction": 3}


def test_a_failure_and_a_stream_that_failed_are_errors():
    chat = {"finish_reason": ("error",), "answer.refusal": (False,), "answer.empty": (True,)}
    [news] = found([payload({"messages": (1,)}, chat)])
    assert (news.finding, news.where) == ("error_body", "finish_reason")
    good = payload({"x": (1,)}, {"y": (0.5,)})
    [news] = found([good, *[payload({"x": (1,)}, {}, failure="detail")] * 7])
    assert (news.finding, news.where, news.requests, news.share) == ("error_body", "detail", 7, 1.0)


def test_it_is_told_once_and_when_it_is_over():
    clock = Clock()
    quality = Quality(clock)
    good = [payload({"x": (n,)}, {"y": (n * 0.1,)}) for n in range(600)]
    bad = [payload({"x": (1,)}, {"y": (math.nan,)})]
    assert [one.began for one in run(quality, [*good, *bad * 50], clock)] == [True]
    assert run(quality, bad * 50, clock) == []
    assert [state["active"] for state in quality.status()["findings"]] == [True]
    clock.now += QUIET
    assert run(quality, good[:50], clock) == []
    [over] = run(quality, good[:100], clock)
    assert (over.began, over.requests, over.finding) == (False, 100, "nan_prediction")
    [state] = quality.status()["findings"]
    assert (state["active"], state["requests"], state["since"]) == (False, 100, None)
    assert [one.began for one in run(quality, bad, clock)] == [True]


def test_a_state_says_what_it_means():
    clock = Clock()
    quality = Quality(clock)
    run(
        quality,
        [payload({"x": (n,)}, {"y": (math.nan if n > 2 else 0.5,)}) for n in range(6)],
        clock,
    )
    [state] = quality.status()["findings"]
    assert state.pop("since").startswith("2001-09-09T01:46:4")
    assert state.pop("last")
    assert state == {
        "model": "m", "finding": "nan_prediction", "active": True, "requests": 3, "share": 1.0,
        "where": "y", "example": "r1", "means": BY_NAME["nan_prediction"].means,
        "do": BY_NAME["nan_prediction"].do,
    }  # fmt: skip


def test_models_are_bounded_and_the_longest_idle_gives_its_place():
    clock = Clock()
    quality = Quality(clock)

    def pass_by(names: range) -> None:
        for n in names:
            quality.add(Payload(f"m{n}", "", "", {"x": (1,)}, {"y": (0.5,)}, 1, 1, 0))
        quality.tick()

    pass_by(range(MAX_WATCHED + 3))
    assert (len(quality.watched), quality.requests_left) == (MAX_WATCHED, 3)
    clock.now += IDLE
    pass_by(range(1, MAX_WATCHED))
    pass_by(range(MAX_WATCHED, MAX_WATCHED + 1))
    assert ("m0", "") not in quality.watched
    assert (f"m{MAX_WATCHED}", "") in quality.watched


CELLS = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from([0.25, 10**400, "nan", 0.5])
)
NAMES = st.sampled_from(
    ["a", "b", "p-0", "p-1", "p-2", "error", "scores-0", "scores-1", "label", "finish_reason",
     "answer.refusal", "x.a", "x.b"]
)  # fmt: skip
COLUMNS = st.dictionaries(NAMES, st.lists(CELLS, max_size=5), max_size=5)
SIZES = st.none() | st.just(()) | st.lists(st.integers(1, 3), min_size=1, max_size=3)


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    inputs, outputs = draw(COLUMNS), draw(COLUMNS)
    many = draw(st.sampled_from([1, 1, 1, 300]))
    outputs = {name: values * many for name, values in outputs.items()}
    counts = [max(map(len, side.values()), default=0) for side in (inputs, outputs)]
    return Payload(
        draw(st.sampled_from(["m", "n"])), "", "", inputs, outputs, counts[0], counts[1], 0,
        (b"\xff", b""), (draw(SIZES), draw(SIZES)), draw(st.sampled_from(["", "error", NO_ROWS])),
    )  # fmt: skip


@given(st.lists(payloads(), max_size=12))
@settings(max_examples=200)
def test_any_payload_will_do(given_: list[Payload]):
    quality = Quality(Clock())
    for one in given_:
        quality.add(one)
        quality.examine()
    for one in given_:
        quality.add(one)
    quality.tick()
    quality.status()
