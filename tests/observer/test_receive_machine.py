"""Workers hand over, connections carry, are damaged, die: every record is accounted for."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.exchange import FRAME, encode
from tests.observer.test_receive import Observer
from tests.signals.factory import USUAL

WORKERS = 3
workers = st.integers(0, WORKERS - 1)


class Bus(RuleBasedStateMachine):
    """A connection a worker; `done` of each must never pass what it handed over."""

    def __init__(self) -> None:
        super().__init__()
        self.observer = Observer()
        self.handed = [0] * WORKERS
        self.received = 0
        self.on_the_way = [b""] * WORKERS
        self.frames: list[list[tuple[int, int]]] = [[] for _ in range(WORKERS)]
        """For each connection what arrives with which byte of it: its end, and how many."""
        self.carried = [0] * WORKERS
        self.connections = [self.observer.connection() for _ in range(WORKERS)]

    @rule(worker=workers, size=st.integers(0, 4))
    def hand_over(self, worker: int, size: int) -> None:
        records = [tuple(USUAL._replace(status=n)) for n in range(size)]
        self.on_the_way[worker] += encode(worker, self.handed[worker], 0, records)
        self.handed[worker] += size
        end = self.carried[worker] + len(self.on_the_way[worker])
        self.frames[worker].append((end, size))

    @rule(worker=workers, size=st.sampled_from([1, 8, 100, 1 << 16]))
    def carry(self, worker: int, size: int) -> None:
        part, self.on_the_way[worker] = (
            self.on_the_way[worker][:size],
            self.on_the_way[worker][size:],
        )
        self.carried[worker] += len(part)
        self.connections[worker][0].data_received(part)
        whole = [n for end, n in self.frames[worker] if end <= self.carried[worker]]
        self.received += sum(whole)
        del self.frames[worker][: len(whole)]

    @rule(worker=workers)
    def die(self, worker: int) -> None:
        self.connections[worker] = self.observer.connection()
        self.on_the_way[worker], self.frames[worker], self.carried[worker] = b"", [], 0

    @rule(worker=workers, bit=st.integers(0, 10_000))
    def damage(self, worker: int, bit: int) -> None:
        """One bit of a payload: its connection dies of it, and nothing else does."""
        records = [tuple(USUAL)]
        whole = bytearray(encode(worker, self.handed[worker], 0, records))
        at = FRAME.size * 8 + bit % ((len(whole) - FRAME.size) * 8)
        whole[at >> 3] ^= 1 << (at & 7)
        self.handed[worker] += 1
        receiver, _ = self.observer.connection()
        try:
            receiver.data_received(whole)
        except ValueError:
            return
        raise AssertionError("a damaged frame was taken")

    @invariant()
    def nothing_is_counted_twice_or_not_at_all(self) -> None:
        counts, done = self.observer.counts(), self.observer.done()
        assert counts["received"] == counts["finished"] == self.received
        assert counts["received"] + counts["lost"] == sum(done)
        assert all(mark <= handed for mark, handed in zip(done, self.handed, strict=True))

    def teardown(self) -> None:
        """A last record of each worker: all that was lost on the way shows."""
        for worker in range(WORKERS):
            self.die(worker)
            self.hand_over(worker, 1)
            self.carry(worker, 1 << 16)
        self.nothing_is_counted_twice_or_not_at_all()
        assert self.observer.done() == self.handed


TestBus = Bus.TestCase
TestBus.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)
