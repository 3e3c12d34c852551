"""The queue keeps to its bound and counts what that costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.ship.queue import RECORD_COST, MemoryQueue
from tests.ship.sinks import record

EACH = RECORD_COST + 10


def test_oldest_is_dropped_and_counted() -> None:
    queue = MemoryQueue(limit=3 * EACH)
    assert queue.put([record(n, units=2) for n in range(5)]) == 4
    assert [r.timestamp_ns for r in queue.take(10**6, 100)] == [2, 3, 4]


def test_taken_stays_in_the_bound_until_it_is_acknowledged() -> None:
    queue = MemoryQueue(limit=3 * EACH)
    queue.put([record(n) for n in range(3)])
    taken = queue.take(2 * 10, 100)
    assert [r.timestamp_ns for r in taken] == [0, 1]
    assert (queue.records, queue.size, queue.oldest_ns) == (3, 3 * EACH, 0)
    assert queue.put([record(3)]) == 1
    queue.ack()
    assert (queue.records, queue.oldest_ns) == (1, 3)


def test_a_record_larger_than_a_batch_is_taken_alone() -> None:
    queue = MemoryQueue()
    queue.put([record(0, size=1000), record(1)])
    assert [r.timestamp_ns for r in queue.take(10, 100)] == [0]


def test_units_bound_a_batch() -> None:
    queue = MemoryQueue()
    queue.put([record(n, units=3) for n in range(4)])
    assert len(queue.take(10**6, 7)) == 2


def test_a_record_larger_than_the_queue_is_dropped() -> None:
    queue = MemoryQueue(limit=EACH)
    assert queue.put([record(0, size=EACH * 2)]) == 1
    assert (queue.records, queue.size, queue.oldest_ns) == (0, 0, None)


@given(
    st.lists(
        st.one_of(
            st.lists(st.integers(0, 300), max_size=5),
            st.tuples(st.integers(0, 500), st.integers(1, 5)),
            st.none(),
        )
    )
)
def test_nothing_is_lost_but_what_is_counted(steps: list[object]) -> None:
    """Model: every unit put is taken, waiting or dropped; order and bound hold throughout."""
    queue, limit = MemoryQueue(2000), 2000
    n = dropped = acked = held = 0
    seen: list[int] = []
    for step in steps:
        if step is None:
            queue.ack()
            acked, held = acked + held, 0
        elif isinstance(step, tuple):
            taken = queue.take(*step)
            seen += [r.timestamp_ns for r in taken]
            held += len(taken)
        elif isinstance(step, list):
            dropped += queue.put([record(n + i, size) for i, size in enumerate(step)])
            n += len(step)
        assert queue.size <= limit
        assert n == acked + dropped + queue.records
    assert seen == sorted(set(seen))
