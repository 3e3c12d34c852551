"""Recent requests and kept examples: which, within what bounds, and what is shown of them."""

from __future__ import annotations

from typing import Any

import pytest

from agent.admin.orders import Refused
from agent.decode.payload import Decoded, Payload
from agent.decode.rules.routes import Routes
from agent.exchange import ABSENT, Exchange
from agent.observer.kept import (
    A_BATCH,
    A_SECOND,
    KEPT,
    MAX_BYTES,
    MAX_TARGET,
    RECENT,
    RECENT_A_BATCH,
    KeptExchanges,
)
from agent.observer.pages.exchanges import MOST, page
from agent.observer.redact import Redactor
from agent.observer.slow import FEWEST, FORGET, MAX_ROUTES, Slow
from agent.settings.redaction import Redact
from tests.observer.outlets import Run, batch, body, usual
from tests.signals.factory import USUAL

ROUTES = Routes()
BIG = 1 << 20


def numbered(n: int, **more: Any) -> Exchange:
    made = USUAL._replace(request_id=b"r%d" % n, start_ns=USUAL.start_ns + n * 10**9)
    return made._replace(**more)


def taken(*batches: list[Exchange], payloads: Any = ()) -> KeptExchanges:
    kept = KeptExchanges(lambda _: ())
    for part in batches:
        kept.add(part, [None] * len(part), payloads, ROUTES)
    return kept


def shown(kept: KeptExchanges, **query: str) -> list[dict[str, Any]]:
    found = page(kept, Redactor(Redact(), b"k" * 16), query)["exchanges"]
    assert isinstance(found, list)
    return found


def ids(kept: KeptExchanges, **query: str) -> list[str]:
    return [one["request_id"] for one in shown(kept, **query)]


# ---- which


def test_the_newest_of_each_batch_are_recent():
    kept = taken([numbered(n) for n in range(100)], [numbered(100)])
    assert ids(kept, limit="100") == [f"r{n}" for n in range(100, 99 - RECENT_A_BATCH, -1)]
    assert not any(one["reasons"] for one in shown(kept))


def test_errors_are_kept_longer_than_what_is_recent():
    kept = taken([numbered(0, status=500), numbered(1, error="client_abort", status=499)])
    for n in range(2, RECENT + 50):
        kept.add([numbered(n)], [None], (), ROUTES)
    assert len(kept.recent) == RECENT
    assert ids(kept, reason="error") == ["r1", "r0"]
    assert ids(kept, status="500") == ["r0"]
    assert ids(kept, status="4xx") == ["r1"]


def test_what_drift_may_show_is_kept_when_it_is_recent_no_more():
    kept = taken()
    kept.sample(Payload("m", "", "", {}, {}, 1, 0, 0, (b"r3", b"")))
    for n in range(0, 2 * RECENT, 4):
        kept.add([numbered(n + i) for i in range(4)], [None] * 4, (), ROUTES)
    assert ids(kept, reason="sample") == ids(kept, request_id="r3") == ["r3"]


def test_one_route_with_many_errors_leaves_room_for_the_others():
    kept = taken([numbered(0, status=503, route="/quiet")])
    for n in range(1, 40):
        kept.add([numbered(n * A_BATCH + i, status=500) for i in range(A_BATCH)], [None] * A_BATCH,
                 (), ROUTES)  # fmt: skip
    assert kept.shelves["error"].count == KEPT
    assert ids(kept, route="/quiet") == ["r0"]


def test_a_storm_of_errors_costs_the_same_a_batch():
    kept = taken([numbered(n, status=500) for n in range(512)])
    assert kept.shelves["error"].count == A_BATCH
    assert ids(kept, reason="error")[0] == "r511"


def test_slow_is_what_takes_longer_than_nearly_all_of_its_route():
    kept = taken(*[[numbered(n, duration=0.01)] for n in range(FEWEST - 1)])
    kept.add([numbered(FEWEST, duration=9.0)], [None], (), ROUTES)
    assert not ids(kept, slow="true"), "too few to know"
    for n in range(FEWEST, 2 * FEWEST):
        kept.add([numbered(n, duration=0.01)], [None], (), ROUTES)
    kept.add([numbered(1000, duration=0.5), numbered(1001, duration=0.5, route="/other"),
              numbered(1002, duration=0.0101)], [None] * 3, (), ROUTES)  # fmt: skip
    assert ids(kept, slow="true") == ["r1000"]
    assert "r1000" not in ids(kept, slow="false")


def test_the_limit_is_that_of_the_slowest_hundredth():
    slow = Slow()
    for n in range(1, 5001):
        slow.learn("/", (n % 1000) / 1000)
    assert 0.99 <= slow.limits["/"] <= 0.99 * 2 ** (1 / 8)
    for _ in range(2 * FORGET):
        slow.learn("/", 20.0)
    assert slow.limits["/"] >= 20.0


def test_routes_whose_durations_are_counted_are_bounded():
    slow = Slow()
    for n in range(2 * MAX_ROUTES * FEWEST):
        slow.learn(f"/{n // FEWEST}", 0.0)
    assert len(slow.limits) == MAX_ROUTES


def test_an_outlier_is_kept_with_its_columns():
    run = Run()
    run.out.strange = [("age", "above all that was seen")]
    run.handle(batch(b"a", b"b"))
    run.out.strange = []
    run.handle(batch(b"c"))
    [one] = shown(run.pipeline.kept, reason="outlier")
    assert one["request_id"] == "a"
    assert one["outlier"] == [{"column": "age", "is": "above all that was seen"}]
    assert (one["dialect"], one["outcome"], one["model"]) == ("kserve_v1", "ok", "iris")


def test_of_many_payloads_few_are_looked_at():
    looked: list[Any] = []
    run = Run(strange=lambda payload: looked.append(payload) or [])
    two = USUAL._replace(request_body=body({"instances": [{"a": 1}, {"a": 2}]}),
                         response_body=body({"predictions": [1, 2]}))  # fmt: skip
    run.handle([two._replace(target=b"/%d" % n) for n in range(300)])
    assert 1 < len(looked) < 10


def test_a_request_that_was_not_decoded_is_there():
    run = Run()
    run.handle([usual(b"x")._replace(capture="budget", request_body=None, response_body=None)])
    [one] = shown(run.pipeline.kept)
    assert one["outcome"] == "not_captured_budget"


def test_a_fault_of_ours_costs_the_example_alone():
    run = Run()
    run.pipeline.kept.slow = None  # type: ignore[assignment]
    assert run.handle(batch(b"a")) == 0
    assert run.out.dialects == {b"a": "kserve_v1"}


def test_what_is_kept_in_a_second_is_bounded_and_comes_back():
    kept = KeptExchanges(lambda _: (), shelves=10_000)
    at = USUAL.start_ns
    for n in range(200):
        part = [numbered(n, status=500, start_ns=at + n * 1000) for _ in range(A_BATCH)]
        kept.add(part, [None] * A_BATCH, (), ROUTES)
    assert kept.shelves["error"].count == len(kept.recent) == A_SECOND
    kept.add([numbered(201, start_ns=at + 10**9)], [None], (), ROUTES)
    assert ids(kept)[0] == "r201"
    kept.add([numbered(202, start_ns=at - 10**15)], [None], (), ROUTES)
    assert "r202" in ids(kept, limit="1000"), "a clock that goes back"


# ---- bounds


def test_bodies_and_heads_are_not_held():
    heavy = numbered(
        0, request_body=(b"x" * BIG, b"", 0), response_body=(b"y" * BIG, b"", 0),
        request_fields=[(b"x", b"z" * BIG)], response_fields=[(b"x", b"z" * BIG)],
        target=b"/" + b"t" * BIG,
    )  # fmt: skip
    [one] = taken([heavy]).all()
    x = one.exchange
    assert (x.request_body, x.response_body, x.request_fields, x.response_fields) == (
        None, None, [], [],
    )  # fmt: skip
    assert len(x.target) == MAX_TARGET


def test_bytes_are_bounded_and_counted_back():
    text = {"input": "i" * 16384, "output": "o" * 16384}
    kept = KeptExchanges(lambda _: ())
    for n in range(400):
        status = 500 if n % 3 == 0 else 200
        kept.add([numbered(n, status=status)], [None], [text], ROUTES)
        assert kept.bytes <= MAX_BYTES
    held = sum(one.size for one in kept.recent)
    held += sum(one.size for shelf in kept.shelves.values() for one in shelf.all())
    assert kept.bytes == held > MAX_BYTES // 2


# ---- what is shown


def test_a_waterfall_of_a_usual_request():
    x = numbered(0, duration=0.5, sent=0.125, connect=0.0625, upstream=0.25, first_piece=0.25,
                 stream=0.0625, overhead=0.0005)  # fmt: skip
    [one] = shown(taken([x]))
    assert one["phases"] == {
        "upstream_began": 62.5, "connect_took": 62.5, "head_sent": 125.0, "request_sent": 187.5,
        "first_byte": 437.5, "first_piece": 437.5, "last_byte": 500.0, "end": 500.0,
        "overhead_took": 0.5,
    }  # fmt: skip
    assert one["stream"] is None
    assert one["trace_id"] == bytes(range(1, 17)).hex()
    assert (one["method"], one["path"], one["status"]) == ("POST", "/v1/models/iris:predict", 200)


def test_what_did_not_happen_is_null():
    x = numbered(0, status=502, error="upstream_connect", sent=ABSENT, upstream=ABSENT,
                 stream=ABSENT, first_piece=ABSENT, overhead=ABSENT, trace=None)  # fmt: skip
    [one] = shown(taken([x]))
    absent = ("connect_took", "head_sent", "request_sent", "first_byte", "first_piece", "last_byte")
    assert [one["phases"][name] for name in absent] == [None] * len(absent)
    assert one["trace_id"] is None
    assert one["reasons"] == ["error"]


def test_a_stream_has_its_figures():
    x = numbered(0, streamed=True, status=499, error="client_abort", first_piece=0.25,
                 largest_gap=1.5, pieces=7)  # fmt: skip
    [one] = shown(taken([x]))
    assert one["stream"] == {
        "first_event_ms": 250.0, "largest_gap_ms": 1500.0, "pieces": 7, "aborted_by": "client",
    }  # fmt: skip


def test_bodies_are_shown_only_as_the_log_record_has_them():
    kept = KeptExchanges(lambda _: ())
    kept.add([numbered(0)], [Decoded(None, "tabular", "ok")], [{"input": "{}"}], ROUTES)
    kept.add([numbered(1)], [None], (), ROUTES)
    first, second = shown(kept)
    assert "input" not in first
    assert second["input"] == "{}"


def test_personal_data_does_not_leave():
    mail = "jane.private@example.com"
    x = numbered(0, target=b"/v1/models/" + mail.encode() + b":predict?token=hush", model=mail,
                 route=f"/{mail}")  # fmt: skip
    text = str(page(taken([x]), Redactor(Redact(), b"k" * 16), {}))
    assert mail not in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "700"}, "status"),
        ({"status": "5x"}, "status"),
        ({"slow": "perhaps"}, "slow"),
        ({"reason": "recent"}, "reason"),
        ({"limit": "0"}, "limit"),
        ({"limit": str(MOST + 1)}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_parameter_without_sense_is_refused_with_its_remedy(query, field):
    with pytest.raises(Refused) as refused:
        page(taken([numbered(0)]), Redactor(Redact(), b"k" * 16), query)
    assert refused.value.status == 400
    assert refused.value.body["field"] == field
    assert refused.value.body["remedy"]


def test_filters_go_together_and_the_limit_is_of_what_matches():
    kept = taken([numbered(n, status=500 if n % 2 else 200) for n in range(10)])
    assert ids(kept, status="5xx", limit="2") == ["r9", "r7"]
    assert (
        page(kept, Redactor(Redact(), b"k" * 16), {"status": "5xx", "limit": "2"})["matched"] == 5
    )
    assert ids(kept, request_id="r3", status="500", model="iris") == ["r3"]
    assert ids(kept, request_id="r3", model="other") == []
