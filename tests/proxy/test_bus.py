"""The worker's end of the bus: in every order of events each record is accounted for."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.proxy.bus import BATCH_BYTES, BATCH_RECORDS, RECORD_BYTES
from tests.proxy.bus_worker import RECORD, Transport, Worker


class AnyOrder(RuleBasedStateMachine):
    """put, the passing of time, observers that come and go, a slow one, the worker's death."""

    def __init__(self) -> None:
        super().__init__()
        self.worker = Worker(limit=12_000)
        self.made = 0

    @rule(held=st.integers(0, 4000), times=st.integers(1, 12))
    def put(self, held: int, times: int) -> None:
        before = self.worker.count("observed")
        for _ in range(times):
            self.worker.put(held)
        self.made += self.worker.count("observed") - before

    @rule()
    def connect(self) -> None:
        self.worker.connect()

    @rule()
    def disconnect(self) -> None:
        self.worker.disconnect()

    @rule(share=st.sampled_from([0.0, 0.5, 1.0]))
    def read(self, share: float) -> None:
        transport = self.worker.transport
        if transport is not None:
            transport.buffered = int(transport.buffered * (1 - share))
            self.worker.bus.refresh()

    @rule()
    def pass_time(self) -> None:
        self.worker.loop.pass_time()
        assert self.worker.waiting() == 0
        assert self.worker.budget.used == 0

    @rule()
    def restart(self) -> None:
        self.worker.restart()
        assert self.worker.waiting() == 0

    @invariant()
    def each_is_accounted_for(self) -> None:
        worker = self.worker
        assert worker.count("observed") == self.made
        assert 0 <= worker.waiting() < BATCH_RECORDS
        assert worker.budget.used + worker.budget.unsent <= worker.limit
        assert (worker.budget.used == 0) == (worker.waiting() == 0)
        transport = worker.transport
        assert worker.budget.unsent == (transport.buffered if transport else 0)
        assert worker.bus.away == (transport is None)

    @invariant()
    def sequence_numbers_have_no_gap(self) -> None:
        expected = 0
        for number, first, size in self.worker.all_frames():
            assert (number, first) == (1, expected)
            expected += size
        assert expected == self.worker.count("handed")


AnyOrder.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_a_batch_leaves_after_its_linger_as_one_frame():
    worker = Worker()
    worker.connect()
    for _ in range(5):
        worker.put()
    assert worker.all_frames() == []
    assert len(worker.loop.timers) == 1
    worker.loop.pass_time()
    worker.put()
    worker.loop.pass_time()
    assert worker.all_frames() == [(1, 0, 5), (1, 5, 1)]


def test_a_full_batch_leaves_at_once_and_takes_its_timer_along():
    worker = Worker()
    worker.connect()
    for _ in range(BATCH_RECORDS):
        worker.put()
    assert worker.all_frames() == [(1, 0, BATCH_RECORDS)]
    worker.put()
    assert [timer.cancelled for timer in worker.loop.timers] == [True, False]


def test_a_batch_of_many_bytes_leaves_at_once():
    worker = Worker()
    worker.connect()
    worker.put(BATCH_BYTES - RECORD_BYTES)
    assert worker.all_frames() == [(1, 0, 1)]


def test_without_an_observer_records_are_dropped_as_away():
    worker = Worker()
    for _ in range(3):
        worker.put(10)
    worker.loop.pass_time()
    assert worker.dropped() == {"dropped_away": 3}
    assert worker.budget.used == 0


def test_a_batch_outlives_the_observer_that_left_if_another_comes_in_time():
    worker = Worker()
    worker.connect()
    worker.put()
    worker.disconnect()
    worker.connect()
    worker.loop.pass_time()
    assert worker.all_frames() == [(1, 0, 1)]
    assert worker.dropped() == {}


def test_what_has_no_room_in_the_budget_is_dropped_as_full_with_its_bodies():
    worker = Worker(limit=RECORD_BYTES + 100)
    worker.put(100)
    worker.put()
    assert worker.dropped() == {"dropped_full": 1}
    assert worker.budget.used == RECORD_BYTES + 100
    worker.disconnect()


def test_a_record_without_room_gives_back_what_its_bodies_held():
    worker = Worker(limit=RECORD_BYTES)
    worker.put(100)
    assert worker.dropped() == {"dropped_full": 1}
    assert worker.budget.used == 0


def test_heads_are_charged_to_the_budget_too():
    """Two records with large heads do not fit where two usual ones do."""
    worker = Worker(limit=3 * RECORD_BYTES)
    worker.bus.put(RECORD, 0, 2 * RECORD_BYTES)
    assert worker.budget.used == 3 * RECORD_BYTES
    worker.bus.put(RECORD, 0, 0)
    assert worker.dropped() == {"dropped_full": 1}
    worker.connect()
    worker.loop.pass_time()
    assert worker.budget.used == 0


def test_an_observer_that_reads_nothing_costs_records_and_no_memory():
    worker = Worker(limit=4000)
    worker.connect()
    for _ in range(50):
        worker.put()
        worker.loop.pass_time()
    assert 0 < worker.count("handed") < 50
    assert worker.dropped() == {"dropped_full": 50 - worker.count("handed")}
    assert worker.transport is not None
    assert worker.transport.buffered <= 4000 + len(worker.transport.sent) // len(
        worker.all_frames()
    )
    worker.transport.buffered = 0
    worker.put()
    worker.loop.pass_time()
    first = worker.all_frames()[-1]
    assert first == (1, worker.count("handed") - 1, 1)


def test_a_restarted_worker_counts_what_died_with_the_one_before():
    worker = Worker()
    worker.connect()
    for _ in range(4):
        worker.put()
    worker.loop.pass_time()
    for _ in range(3):
        worker.put()
    worker.restart()
    assert worker.dropped() == {"dropped_killed": 3}
    worker.restart()
    assert worker.dropped() == {"dropped_killed": 3}
    worker.connect()
    worker.put()
    worker.loop.pass_time()
    assert worker.all_frames() == [(1, 0, 4), (1, 4, 1)]


def test_it_connects_anew_when_the_observer_has_gone():
    worker = Worker()
    assert worker.loop.connects == 1
    worker.connect()
    worker.disconnect()
    assert worker.loop.connects == 2


def test_what_the_last_observer_did_not_read_is_held_no_longer():
    worker = Worker()
    worker.connect()
    worker.put()
    worker.loop.pass_time()
    assert worker.budget.unsent > 0
    worker.disconnect()
    assert worker.budget.unsent == 0


def test_it_sends_the_last_batch_at_its_close_and_does_not_connect_again():
    worker = Worker()
    worker.connect()
    worker.put()
    transport = worker.transport
    assert transport is not None
    sizes = iter([0, 3, 2, 1, 0, 0])
    transport.get_write_buffer_size = sizes.__next__  # type: ignore[method-assign]
    asyncio.run(worker.bus.close(100.0))
    assert worker.all_frames() == [(1, 0, 1)]
    assert list(sizes) == [0], "it waited until all was read, and no longer"
    assert transport.closed_with is not None
    worker.disconnect()
    assert worker.loop.connects == 1


def test_its_close_does_not_wait_for_ever_for_an_observer_that_does_not_read():
    worker = Worker()
    worker.connect()
    worker.put()
    asyncio.run(worker.bus.close(3.0))
    assert worker.transport is not None
    assert worker.transport.closed_with == worker.transport.buffered > 0


def test_its_close_without_an_observer_counts_what_was_left():
    worker = Worker()
    worker.put()
    asyncio.run(worker.bus.close(3.0))
    assert worker.dropped() == {"dropped_away": 1}


def test_the_late_end_of_an_earlier_connection_does_not_end_the_present_one():
    worker = Worker()
    worker.connect()
    worker.put()
    worker.loop.pass_time()
    earlier = Transport()
    worker.bus.disconnected(earlier)  # type: ignore[arg-type]
    assert not worker.bus.away
    assert worker.budget.unsent > 0
    assert worker.loop.connects == 1
