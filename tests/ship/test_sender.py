"""A sender delivers everything once, in order, or counts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ship.outcome import OK, Outcome, Verdict, reject, retry, retry_after
from agent.ship.queue import RECORD_COST, MemoryQueue, Record
from agent.ship.sender import OUTCOMES, Policy, Sender
from tests.ship.sinks import FakeSink, record, run, until

QUICK = Policy(linger=0.0, backoff=0.0, timeout=10.0)


def sender(sink: FakeSink, policy: Policy = QUICK, limit: int = 1 << 20) -> Sender:
    return Sender("s", "fake", sink, MemoryQueue(limit), policy)


def counts(of: Sender) -> dict[str, int]:
    return {name: n for name, n in of.status().outcomes.items() if n}


def deliver(sink: FakeSink, records: Sequence[Record], policy: Policy = QUICK) -> Sender:
    """Sends records to the end."""

    async def main() -> Sender:
        of = sender(sink, policy)
        of.start()
        of.put(records)
        await until(lambda: of.status().records == 0)
        await of.stop(10)
        return of

    return run(main())


def test_records_are_sent_in_order_in_batches() -> None:
    sink = FakeSink()
    of = deliver(sink, [record(n) for n in range(10)], QUICK._replace(max_records=4))
    assert sink.pushed == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert counts(of) == {"sent": 10}
    assert sink.closed


def test_a_batch_waits_for_more_until_it_is_full() -> None:
    sink = FakeSink()

    async def main() -> None:
        of = sender(sink, Policy(linger=3600.0, max_records=3))
        of.start()
        of.put([record(0)])
        of.put([record(1)])
        await asyncio.sleep(0)
        assert sink.pushed == []
        of.put([record(2)])
        await until(lambda: bool(sink.pushed))
        assert sink.pushed == [[0, 1, 2]]
        await of.stop(10)

    run(main())


def test_a_batch_goes_when_it_has_waited() -> None:
    sink = FakeSink()
    deliver(sink, [record(0)], Policy(linger=0.001))
    assert sink.pushed == [[0]]


def test_the_same_batch_is_tried_again_until_it_gets_through() -> None:
    sink = FakeSink(retry("HTTP 503"), retry("HTTP 503"), OK)
    of = deliver(sink, [record(n, units=2) for n in range(3)])
    assert sink.pushed == [[0, 1, 2]] * 3
    assert counts(of) == {"sent": 6, "retried": 12}


def test_refused_records_are_counted_and_not_sent_again() -> None:
    sink = FakeSink(reject("HTTP 400"), OK)
    of = deliver(sink, [record(n) for n in range(4)], QUICK._replace(max_records=2))
    assert sink.pushed == [[0, 1], [2, 3]]
    assert counts(of) == {"sent": 2, "rejected": 2}


def test_a_lasting_refusal_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = FakeSink(reject("HTTP 401"), reject("HTTP 401"), reject("HTTP 403"), OK)
    deliver(sink, [record(n) for n in range(4)], QUICK._replace(max_records=1))
    said = [r for r in caplog.records if r.message == "sink refuses records"]
    assert [r.__dict__["reason"] for r in said] == ["HTTP 401", "HTTP 403"]


def test_being_away_and_back_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    deliver(FakeSink(*[retry("refused")] * 5, OK), [record(0)])
    assert [r.message for r in caplog.records] == ["sink away", "sink back"]


def test_partly_refused() -> None:
    sink = FakeSink(Outcome(Verdict.OK, "some", rejected=3))
    assert counts(deliver(sink, [record(0, units=10)])) == {"sent": 7, "rejected": 3}


@pytest.mark.parametrize(("told", "counted"), [(11, 10), (1 << 62, 10), (-1, 0)])
def test_a_receiver_cannot_refuse_more_than_it_got_nor_less_than_nothing(told, counted):
    sink = FakeSink(Outcome(Verdict.OK, "some", rejected=told))
    of = counts(deliver(sink, [record(0, units=10)]))
    assert (of.get("sent", 0), of.get("rejected", 0)) == (10 - counted, counted)


def poison(bad: set[int]) -> Callable[[Sequence[Record]], Outcome]:
    def answer(batch: Sequence[Record]) -> Outcome:
        refused = any(r.timestamp_ns in bad for r in batch)
        return Outcome(Verdict.SPLIT, "HTTP 400") if refused else OK

    return answer


@given(st.sets(st.integers(0, 15), max_size=4))
def test_only_the_offending_records_are_dropped(bad: set[int]) -> None:
    delivered: list[int] = []

    def answer(batch: Sequence[Record]) -> Outcome:
        outcome = poison(bad)(batch)
        if outcome is OK:
            delivered.extend(r.timestamp_ns for r in batch)
        return outcome

    of = deliver(FakeSink(answer), [record(n) for n in range(16)])
    assert sorted(delivered) == sorted(set(range(16)) - bad)
    assert of.status().outcomes["rejected"] == len(bad)


def test_looking_for_offenders_has_an_end() -> None:
    sink = FakeSink(Outcome(Verdict.SPLIT, "HTTP 400"))
    of = deliver(sink, [record(n) for n in range(2000)])
    assert counts(of) == {"rejected": 2000}
    assert len(sink.pushed) < 100


def test_a_sink_that_hangs_is_tried_again() -> None:
    async def never(_: object) -> Outcome:
        await asyncio.Event().wait()
        return OK

    sink = FakeSink(lambda batch: never(batch), OK)
    of = deliver(sink, [record(0)], QUICK._replace(timeout=0.01))
    assert counts(of) == {"sent": 1, "retried": 1}


def test_a_fault_in_a_sink_is_counted_and_ends_nothing() -> None:
    def broken(_: Sequence[Record]) -> Outcome:
        raise RuntimeError("bug")

    sink = FakeSink(broken, OK)
    of = deliver(sink, [record(0), record(1)], QUICK._replace(max_records=1))
    assert counts(of) == {"failed": 1, "sent": 1}


def test_while_a_sink_is_away_the_oldest_are_dropped_and_counted() -> None:
    away = True
    sink = FakeSink(lambda _: retry("refused") if away else OK)

    async def main() -> Sender:
        nonlocal away
        of = sender(sink, QUICK._replace(max_records=1), limit=3 * (RECORD_COST + 10))
        of.start()
        of.put([record(0)])
        await until(lambda: len(sink.pushed) > 1)
        assert of.status().away == "refused"
        of.put([record(n) for n in range(1, 6)])
        assert of.status().outcomes["dropped_full"] == 3
        away = False
        await until(lambda: of.status().records == 0)
        assert of.status().away == ""
        await of.stop(10)
        return of

    of = run(main())
    assert sink.pushed[-3:] == [[0], [4], [5]]
    assert of.status().outcomes["sent"] == 3


def test_stop_sends_what_waits_without_lingering() -> None:
    sink = FakeSink()

    async def main() -> Sender:
        of = sender(sink, Policy(linger=3600.0, max_records=3))
        of.start()
        of.put([record(n) for n in range(2)])
        await asyncio.sleep(0)
        await of.stop(30)
        return of

    assert counts(run(main())) == {"sent": 2}


def test_stop_counts_what_it_could_not_send() -> None:
    sink = FakeSink(retry("refused"))

    async def main() -> Sender:
        of = sender(sink, Policy(linger=0.0, backoff=3600.0), limit=1 << 20)
        of.start()
        of.put([record(n, units=2) for n in range(3)])
        await until(lambda: bool(sink.pushed))
        await of.stop(0.05)
        return of

    found = counts(run(main()))
    assert found["dropped_stop"] == 6
    assert sink.closed


def test_stop_while_looking_for_offenders_counts_each_once() -> None:
    """The first half is sent, the second hangs when the deadline comes."""

    async def never(_: object) -> Outcome:
        await asyncio.Event().wait()
        return OK

    sink = FakeSink(Outcome(Verdict.SPLIT), OK, lambda batch: never(batch))

    async def main() -> Sender:
        of = sender(sink)
        of.start()
        of.put([record(n) for n in range(4)])
        await until(lambda: len(sink.pushed) == 3)
        await of.stop(0.01)
        return of

    assert counts(run(main())) == {"sent": 2, "dropped_stop": 2}


def test_stop_ends_a_long_wait_for_the_next_try() -> None:
    sink = FakeSink(retry("HTTP 503", after=3600.0), OK)

    async def main() -> Sender:
        of = sender(sink)
        of.start()
        of.put([record(0)])
        await until(lambda: bool(sink.pushed))
        await of.stop(30)
        return of

    assert run(main()).status().outcomes["sent"] == 1


def waits(policy: Policy, tries: int, after: float | None, jitter: float) -> list[float]:
    """How long a sender would wait after each try."""
    found: list[float] = []

    class Probe(Sender):
        async def _back_off(self, tries: int, after: float | None) -> None:
            found.append(self._wait_after(tries, after))

    async def main() -> None:
        sink = FakeSink(*[retry("x", after)] * tries, OK)
        of = Probe("s", "fake", sink, MemoryQueue(), policy, jitter=lambda: jitter)
        of.start()
        of.put([record(0)])
        await until(lambda: of.status().records == 0)
        await of.stop(10)

    run(main())
    return found


def test_waits_double_up_to_the_cap() -> None:
    policy = Policy(linger=0.0, backoff=0.5, backoff_cap=3.0)
    assert waits(policy, 5, None, 1.0) == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert waits(policy, 2, None, 0.5) == [0.25, 0.5]


def test_retry_after_is_the_least_wait_and_is_not_believed_without_end() -> None:
    policy = Policy(linger=0.0, backoff=0.5, retry_after_cap=60.0)
    assert waits(policy, 2, 7.0, 1.0) == [7.0, 7.0]
    assert waits(policy, 1, 86400.0, 0.0) == [60.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", 3.0),
        ("-3", 0.0),
        ("0.5", 0.5),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("55555555555555555555555 Oct 0 0:0", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert retry_after(value, 1_800_000_000.0) == expected


@given(st.text(max_size=60))
def test_retry_after_of_any_text(value: str) -> None:
    found = retry_after(value, 0.0)
    assert found is None or found >= 0


@given(
    st.lists(st.sampled_from(["ok", "retry", "reject", "split", "partial"]), max_size=12),
    st.integers(1, 20),
)
def test_every_record_ends_once(answers: list[str], n: int) -> None:
    table = {
        "ok": OK,
        "retry": retry("x"),
        "reject": reject("x"),
        "split": Outcome(Verdict.SPLIT),
        "partial": Outcome(Verdict.OK, rejected=1),
    }
    sink = FakeSink(*[table[name] for name in answers], OK)
    of = deliver(sink, [record(i) for i in range(n)], QUICK._replace(max_records=3))
    found = of.status().outcomes
    assert sum(found[name] for name in OUTCOMES if name != "retried") == n
