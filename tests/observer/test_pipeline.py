"""What happens to a batch: every step, every step off, a poisoned record in each, and overload."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from agent.decode.rules.routes import Route, Routes, routes_of
from agent.decode.rules.tally import Tally
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.exchange import Exchange
from agent.ledger import OBSERVER
from agent.observer.decodes import DecodeCollector
from agent.observer.redact import Redactor
from agent.observer.shedding import LOGS, PAYLOAD_LOGS, SKETCHES, SPANS, STEP_NS
from agent.quality.monitor import Quality
from agent.settings.loading import load
from tests.observer.outlets import POISON, PoisonError, Run, batch, body, usual
from tests.signals.factory import USUAL


def test_a_batch_goes_through_every_step_once():
    run = Run()
    assert run.handle(batch(b"a", b"b", b"c")) == 0
    out = run.out
    assert out.examples == [b"a", b"b", b"c"]
    assert out.encoded == [[b"a", b"b", b"c"]]
    for name in ("spans", "more spans"):
        [record] = out.sent[name]
        assert (record.timestamp_ns, record.data, record.units) == (USUAL.start_ns, b"a,b,c", 6)
    assert [payload.rows for payload in out.payloads] == [1, 1, 1]
    assert [payload.model for payload in out.payloads] == ["iris"] * 3
    [lines] = out.sent["stdout"]
    assert (lines.data, lines.units) == (b"a\nb\nc", 3)
    assert lines.timestamp_ns == USUAL.start_ns + 12_500_000
    assert [record.data for record in out.sent["logs"]] == [b"a", b"b", b"c"]
    assert out.sent["logs"][1] == (1, b"b", (("l", "1"),), (("m", "2"),), 1)
    assert run.shed() == {}


def test_spans_that_nobody_sampled_are_not_sent():
    run = Run()
    run.handle([one._replace(trace=None) for one in batch(b"a")])
    assert run.out.encoded == [[b"a"]]
    assert run.out.sent["spans"] == []


def test_lines_that_the_level_leaves_out_are_not_sent():
    run = Run()
    run.out.records = lambda part, dialects, payloads: []  # type: ignore[method-assign]
    assert run.handle(batch(b"a")) == 0
    assert run.out.sent["stdout"] == []
    assert run.out.sent["logs"] == []


# ---- steps that are off


@pytest.mark.parametrize(
    ("without", "silent"),
    [
        ({"spans": None}, {"spans", "more spans"}),
        ({"span_senders": []}, {"spans", "more spans"}),
        ({"lines": None}, {"stdout", "logs"}),
        ({"stdout": []}, {"stdout"}),
        ({"log_senders": []}, {"logs"}),
        ({"spans": None, "lines": None}, {"spans", "more spans", "stdout", "logs"}),
    ],
    ids=lambda names: " ".join(sorted(names)),
)
@pytest.mark.parametrize("age", [0, 4 * STEP_NS])
def test_a_step_that_is_off_is_left_out_and_all_others_are_not(without, silent, age):
    run = Run(age=age, **without)
    assert run.handle(batch(b"a", b"b")) == 0
    assert run.out.examples == [b"a", b"b"]
    if age:
        shed = {"shed_sketches": 2, "shed_logs": 2, "shed_spans": 2}
        off = {"shed_spans"} if "spans" in without else set()
        off |= {"shed_logs"} if "lines" in without else set()
        assert run.shed() == {name: n for name, n in shed.items() if name not in off}
    else:
        assert {name for name, sent in run.out.sent.items() if not sent} == silent
        assert len(run.out.payloads) == 2


# ---- poison

PLACES = {
    "first": (POISON, b"a", b"b"),
    "middle": (b"a", POISON, b"b"),
    "last": (b"a", b"b", POISON),
    "alone": (POISON,),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("step", ["exemplars", "spans", "logs"])
def test_a_record_that_a_step_chokes_on_is_the_only_one_that_it_costs(step, place):
    ids = PLACES[place]
    good = [one for one in ids if one != POISON]
    run = Run(choke=step)
    assert run.handle(batch(*ids)) == 1
    out = run.out
    assert out.examples == (good if step == "exemplars" else [*ids])
    traced = [one for record in out.sent["spans"] for one in record.data.split(b",")]
    assert traced == (good if step == "spans" else [*ids])
    logged = [record.data for record in out.sent["logs"]]
    assert logged == (good if step == "logs" else [*ids])
    printed = [one for record in out.sent["stdout"] for one in record.data.split(b"\n")]
    assert printed == logged
    assert len(out.payloads) == len(ids)
    assert out.dialects == dict.fromkeys(logged, "kserve_v1")


def poisoned(*ids: bytes) -> list[Exchange]:
    """Where the poison is, the payload has two rows."""
    two = body({"instances": [{"age": 1}, {"age": 2}]})
    return [
        one._replace(request_body=two) if one.request_id == POISON else one for one in batch(*ids)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_a_payload_that_drift_chokes_on_costs_its_rows_alone(place):
    ids = PLACES[place]
    run = Run(choke="drift")
    assert run.handle(poisoned(*ids)) == 1
    assert [payload.rows for payload in run.out.payloads] == [1] * (len(ids) - 1)
    assert run.pipeline.decoded.totals().total() == len(ids) - 1
    assert [record.data for record in run.out.sent["logs"]] == [*ids]
    expected = {one: "" if one == POISON else "kserve_v1" for one in ids}
    assert run.out.dialects == expected, "each line has its own record's dialect"


def test_a_decoder_that_raises_costs_its_record_alone(monkeypatch):
    from agent.observer import pipeline

    real = pipeline.read

    def read(exchange: Exchange, routes: Routes) -> Any:
        if exchange.request_id == POISON:
            raise PoisonError("decode")
        return real(exchange, routes)

    monkeypatch.setattr(pipeline, "read", read)
    run = Run()
    assert run.handle(batch(b"a", POISON, b"b")) == 1
    assert len(run.out.payloads) == 2
    assert run.pipeline.decoded.totals() == {("kserve_v1", "ok"): 2}


def test_each_line_has_its_own_records_dialect_beside_a_poisoned_one():
    run = Run(choke="logs")
    made = [*batch(POISON, b"a"), usual(b"b")._replace(status=500), *batch(b"c")]
    assert run.handle(made) == 1
    assert run.out.dialects == {b"a": "kserve_v1", b"b": "", b"c": "kserve_v1"}


def test_a_record_that_all_steps_choke_on_is_counted_once():
    run = Run(choke="all")
    assert run.handle(poisoned(b"a", POISON, b"b")) == 1
    assert run.out.examples == [b"a", b"b"]


def test_each_poisoned_record_is_counted():
    run = Run(choke="logs")
    assert run.handle(batch(POISON, b"a", POISON)) == 2


def test_a_fault_is_told_once_with_its_step_and_trace(caplog):
    run = Run(choke="spans")
    for _ in range(3):
        run.handle(batch(b"a", POISON))
    [told] = caplog.records
    assert "spans" in told.getMessage()
    assert "PoisonError" in told.getMessage()
    assert told.levelno == logging.ERROR
    assert told.exc_info
    run.out.choke = "logs"
    run.handle(batch(POISON))
    assert "logs" in caplog.records[-1].getMessage()
    assert len(caplog.records) == 2


def test_a_fault_of_a_decoder_is_told_too(caplog):
    Run(choke="drift").handle(poisoned(POISON))
    [told] = caplog.records
    assert "decode: PoisonError" in told.getMessage()


# ---- overload

LEFT: dict[int, tuple[set[str], dict[str, int]]] = {
    0: ({"sketches", "logs", "spans"}, {}),
    SKETCHES: ({"logs", "spans"}, {"shed_sketches": 3}),
    PAYLOAD_LOGS: ({"logs", "spans"}, {"shed_sketches": 3}),
    LOGS: ({"spans"}, {"shed_sketches": 3, "shed_logs": 3}),
    SPANS: (set(), {"shed_sketches": 3, "shed_logs": 3, "shed_spans": 3}),
}


@pytest.mark.parametrize("level", LEFT)
def test_overload_sheds_in_order_counts_it_and_never_the_decode_counts(level):
    run = Run(age=level * STEP_NS)
    assert run.handle(batch(b"a", b"b", b"c")) == 0
    left, shed = LEFT[level]
    out = run.out
    took = {
        "sketches": bool(out.payloads),
        "logs": bool(out.sent["logs"]) and bool(out.sent["stdout"]),
        "spans": bool(out.sent["spans"]),
    }
    assert {name for name, what in took.items() if what} == left
    assert run.shed() == shed
    assert run.counters[OBSERVER["shed"]] == level
    assert out.examples == [b"a", b"b", b"c"]
    assert run.pipeline.decoded.totals() == {("kserve_v1", "ok"): 3}


def test_it_comes_back_when_it_has_caught_up():
    run = Run(age=4 * STEP_NS)
    run.handle(batch(b"a"))
    run.age = 0
    for _ in range(4):
        run.handle(batch(b"b"))
    assert run.counters[OBSERVER["shed"]] == 0
    assert run.shed() == {"shed_spans": 1, "shed_logs": 2, "shed_sketches": 4}
    assert len(run.out.payloads) == 1


# ---- what became of payloads


def test_decode_counts_are_by_dialect_and_outcome():
    run = Run()
    others: list[Callable[[Exchange], Exchange]] = [
        lambda one: one,
        lambda one: one._replace(capture="off", request_body=None, response_body=None),
        lambda one: one._replace(status=500),
        lambda one: one._replace(request_body=(b"{", b"", 0)),
    ]
    made = [change(usual(b"%d" % n)) for n, change in enumerate(others * 2)]
    run.handle(made)
    assert run.pipeline.decoded.totals() == {
        ("kserve_v1", "ok"): 2,
        ("none", "not_captured_off"): 2,
        ("none", "error_status"): 2,
        ("none", "malformed"): 2,
    }
    assert run.out.dialects == {b"%d" % n: "" if n % 4 else "kserve_v1" for n in range(8)}
    assert len(run.out.payloads) == 2
    [family] = DecodeCollector(run.pipeline.decoded.totals).collect()
    samples = {tuple(sample.labels.items()): sample.value for sample in family.samples}
    assert samples[("dialect", "kserve_v1"), ("outcome", "ok")] == 2
    assert len(samples) == 4
    assert {sample.name for sample in family.samples} == {"outrider_decode_total"}


def test_many_usual_ones_are_decoded_together_and_each_line_has_its_dialect():
    run = Run()
    made = [usual(b"%d" % n)._replace(status=500 if n % 9 == 1 else 200) for n in range(90)]
    assert run.handle(made) == 0
    assert run.pipeline.decoded.totals() == {("kserve_v1", "ok"): 80, ("none", "error_status"): 10}
    assert run.out.dialects == {b"%d" % n: "" if n % 9 == 1 else "kserve_v1" for n in range(90)}
    payloads = run.out.payloads
    assert sum(payload.rows for payload in payloads) == 80
    assert sum(len(payload.inputs["age"]) for payload in payloads) == 80
    assert len(payloads) < 10, "together, or this test shows nothing"


def test_a_fault_with_many_at_once_leaves_each_to_be_done_alone():
    alone: list[Any] = []

    def drift(payload: Any) -> None:
        if payload.rows > 1:
            raise PoisonError("drift")
        alone.append(payload)

    run = Run(drift=drift)
    assert run.handle(batch(*(b"%d" % n for n in range(40)))) == 0
    assert len(alone) == 40
    assert run.pipeline.decoded.totals() == {("kserve_v1", "ok"): 40}


def test_without_any_payload_the_family_is_there_and_empty():
    [family] = DecodeCollector(Run().pipeline.decoded.totals).collect()
    assert family.samples == []


def test_rows_that_drift_does_not_get_are_told_by_reason():
    run = Run()
    large = body({"instances": [{"age": 1}]})
    ids = [b"%d" % n for n in range(6)]
    whole, cut, damaged, refused, empty, unread = batch(*ids)
    run.handle([
        whole,
        cut._replace(request_body=(large[0], b"", 100)),
        damaged._replace(request_body=(b'{"instances": [', b"", 0)),
        refused._replace(request_body=(b"{", b"", 0), status=400),
        empty._replace(request_body=None, request_size=0),
        unread._replace(response_body=(b"{", b"", 0)),
    ])  # fmt: skip
    model = whole.model
    assert run.out.unseen == [
        (model, "too_large", 1, ""),
        (model, "not_decoded", 1, ""),
        (model, "answer_not_decoded", 1, ""),
    ]  # fmt: skip


def test_of_requests_that_were_not_copied_only_those_with_a_body_have_rows():
    run = Run()
    one, two, three = batch(b"1", b"2", b"3")
    run.handle([
        one._replace(capture="budget", request_body=None),
        two._replace(capture="budget", request_body=None, request_size=0),
        three._replace(capture="unsampled", request_body=None),
    ])  # fmt: skip
    assert run.out.unseen == [(one.model, "budget", 1, "")]


def test_rows_that_overload_leaves_out_are_told_with_their_number():
    run = Run(age=STEP_NS)
    run.handle(batch(*[b"%d" % n for n in range(6)]))
    assert sum(rows for _, reason, rows, _ in run.out.unseen if reason == "shed") == 6


def test_a_payload_names_the_exchange_of_its_first_row():
    run = Run()
    run.handle(batch(b"one"))
    run.handle(batch(*[b"%d" % n for n in range(8)]))
    trace = usual(b"").trace
    assert trace is not None
    assert [p.first for p in run.out.payloads] == [(b"one", trace[0]), (b"0", trace[0])]


@pytest.mark.parametrize("count", [1, 8])
def test_the_settings_name_the_version_of_a_route(count):
    run = Run(routes=Routes([Route("/score", "7")]))
    run.handle(
        [one._replace(target=b"/score") for one in batch(*[b"%d" % n for n in range(count)])]
    )
    [payload] = run.out.payloads
    assert (payload.version, payload.rows) == ("7", count)
    one = usual(b"x")._replace(target=b"/score", capture="budget", request_body=None)
    run.handle([one])
    assert run.out.unseen == [(one.model, "budget", 1, "7")]


@pytest.mark.parametrize("count", [1, 8])
def test_the_settings_say_a_routes_dialect_and_the_names_that_nobody_sends(count):
    route = Route("/score", dialect="csv", columns=("age", "income"), outputs=("score",))
    run = Run(routes=Routes([route]))
    bodies = {"request_body": (b"41,2.5", b"", 0), "response_body": (b"[0.5]", b"", 0)}
    run.handle(
        [
            one._replace(target=b"/score", **bodies)
            for one in batch(*[b"%d" % n for n in range(count)])
        ]
    )
    for payload in run.out.payloads:
        assert list(payload.inputs) == ["age", "income"]
        assert list(payload.outputs) == ["score"]
    assert run.pipeline.decoded.totals() == {("csv", "ok"): count}


def test_exchanges_decoded_together_are_of_the_dialect_that_their_path_says():
    run = Run()
    run.handle(
        [one._replace(target=b"/invocations") for one in batch(*[b"%d" % n for n in range(8)])]
    )
    assert len(run.out.payloads) == 1
    assert run.pipeline.decoded.totals() == {("mlflow", "ok"): 8}


# ---- what is shown


def test_spans_and_lines_are_made_of_what_was_redacted_and_columns_of_what_came():
    run = Run()
    seen: list[list[Exchange]] = []
    run.out.encode = lambda part: seen.append([*part])  # type: ignore[assignment, method-assign]
    run.out.records = lambda part, dialects, payloads: seen.append([*part]) or []  # type: ignore[func-returns-value, method-assign]
    one = usual(b"a")._replace(target=b"/v1/models/iris:predict?user=ann@example.com")
    assert run.handle([one]) == 0
    assert [x.target for [x] in seen] == [b"/v1/models/iris:predict?user=REDACTED"] * 2
    [payload] = run.out.payloads
    assert {name: [*values] for name, values in payload.inputs.items()} == {
        "age": [39],
        "plan": ["a"],
    }


def test_of_a_record_that_cannot_be_redacted_nothing_is_shown(monkeypatch):
    run = Run()
    shown: list[Exchange] = []
    run.out.encode = lambda part: shown.extend(part)  # type: ignore[assignment, method-assign]
    real = Redactor.exchange

    def choking(self: Redactor, x: Exchange) -> Exchange:
        if x.request_id == POISON:
            raise PoisonError("redact")
        return real(self, x)

    monkeypatch.setattr(Redactor, "exchange", choking)
    assert run.handle(batch(b"a", POISON)) == 1
    assert [x.target for x in shown] == [b"/v1/models/iris:predict", b""]
    assert shown[1].request_fields == shown[1].response_fields == []


@pytest.mark.parametrize(("age", "shed"), [(0, 0), (2 * STEP_NS, 2)])
def test_payloads_go_with_their_lines_until_overload_sheds_them(age, shed):
    given: list[Any] = []
    run = Run(age=age, payload_log=lambda x: {"input": x.request_id})
    run.out.records = lambda part, dialects, payloads: given.append(payloads) or []  # type: ignore[func-returns-value, method-assign]
    assert run.handle(batch(b"a", b"b")) == 0
    assert [[*one] for one in given] == [[] if shed else [{"input": b"a"}, {"input": b"b"}]]
    assert run.shed().get("shed_payload_logs", 0) == shed


def test_a_payload_that_cannot_be_shown_costs_its_line_the_payload_only():
    def choking(x: Exchange) -> dict[str, object]:
        if x.request_id == POISON:
            raise PoisonError("payload log")
        return {"input": "x"}

    run = Run(payload_log=choking)
    given: list[Any] = []
    run.out.records = lambda part, dialects, payloads: given.extend(payloads) or []  # type: ignore[func-returns-value, method-assign]
    assert run.handle(batch(b"a", POISON)) == 1
    assert given == [{"input": "x"}, None]


# ---- what the settings say of a route


def told(tmp_path, **said):
    file = tmp_path / "outrider.json"
    file.write_text(json.dumps({"routes": [{"path": "/{+rest}", **said}]}))
    return routes_of(load(str(file)))


@pytest.mark.parametrize("age", [0, 4 * STEP_NS])
def test_business_values_are_counted_of_each_exchange_whatever_is_shed(tmp_path, age):
    run = Run(
        age=age, routes=told(tmp_path, values={"low": "$.predictions[0] < 0.5", "age": "age"})
    )
    refused = usual(b"e")._replace(status=500)
    assert run.handle([*batch(b"a", b"b", b"c", b"d"), refused]) == 0
    low, years = Tally("low", true=1), Tally("age", numbers=1, positive=39.0)
    assert run.out.values == [("iris", "", [low, years])] * 4


def test_values_of_columns_are_counted_of_exchanges_decoded_together(tmp_path):
    run = Run(routes=told(tmp_path, values={"age": "age", "none": "none"}))
    assert run.handle(batch(b"a", b"b", b"c", b"d")) == 0
    age = Tally("age", numbers=4, positive=4 * 39.0)
    assert run.out.values == [("iris", "", [age, Tally("none", missing=4, why="absent")])]


def test_a_value_is_counted_though_drift_cannot_take_the_rows(tmp_path):
    run = Run(choke="drift", routes=told(tmp_path, values={"low": "$.predictions[0] < 0.5"}))
    two = usual(b"a")._replace(request_body=body({"instances": [{"age": 1}, {"age": 2}]}))
    assert run.handle([two]) == 1
    assert run.out.values == [("iris", "", [Tally("low", true=1)])]


def test_columns_without_anything_in_them_go_through_all_that_judges(tmp_path):
    monitor, quality = Monitor(Settings(learn_rows=100)), Quality()

    def judge(payload):
        monitor.add(payload)
        quality.add(payload)

    run = Run(routes=told(tmp_path, ignore=["*"]), drift=judge)
    for _ in range(3):
        assert run.handle(batch(b"a", b"b", b"c", b"d")) == 0
        assert run.handle(batch(b"a")) == 0
