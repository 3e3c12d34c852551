"""The observer's end of the bus: frames cut anywhere, gaps, and peers not to be trusted."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from itertools import pairwise
from time import monotonic_ns

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.exchange import FRAME, MAX_FRAME, Exchange, encode
from agent.ledger import OBSERVER, Ledger
from agent.observer.receive import Receiver
from tests.signals.factory import USUAL


class Transport:
    """A connection that is only looked at."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.sock = sock
        self.aborted = False

    def get_extra_info(self, name: str) -> socket.socket | None:
        assert name == "socket"
        return self.sock

    def abort(self) -> None:
        self.aborted = True


class Observer:
    """A ledger for three workers, and all that receivers handed on."""

    def __init__(self, failing: int = 0) -> None:
        self.ledger = Ledger(3)
        self.handled: list[list[Exchange]] = []
        self.ages: list[int] = []
        self._failing = failing

    def handle(self, batch: list[Exchange], age_ns: int) -> int:
        self.handled.append(batch)
        self.ages.append(age_ns)
        return self._failing

    def connection(self) -> tuple[Receiver, Transport]:
        receiver, transport = Receiver(self.ledger, self.handle, lambda pid: True), Transport()
        receiver.connection_made(transport)
        return receiver, transport

    def counts(self) -> dict[str, int]:
        names = ("received", "finished", "failed", "lost")
        return {name: self.ledger.observer[OBSERVER[name]] for name in names}

    def done(self) -> list[int]:
        return list(self.ledger.done)


def frame(worker: int, first: int, size: int) -> bytes:
    records = [tuple(USUAL._replace(status=n)) for n in range(size)]
    return encode(worker, first, monotonic_ns(), records)


def counts(received: int, lost: int = 0, failed: int = 0) -> dict[str, int]:
    finished = received - failed
    return {"received": received, "finished": finished, "failed": failed, "lost": lost}


FRAMES = frame(0, 0, 3) + frame(2, 0, 1) + frame(0, 3, 2)


@given(st.sets(st.integers(1, len(FRAMES) - 1), max_size=30))
@settings(max_examples=100)
def test_frames_cut_anywhere_are_the_same_batches(cuts):
    observer = Observer()
    receiver, transport = observer.connection()
    for start, end in pairwise([0, *sorted(cuts), len(FRAMES)]):
        receiver.data_received(FRAMES[start:end])
    assert [[one.status for one in batch] for batch in observer.handled] == [[0, 1, 2], [0], [0, 1]]
    assert observer.handled[0][1] == USUAL._replace(status=1)
    assert observer.counts() == counts(6)
    assert observer.done() == [5, 0, 1]
    assert not transport.aborted


def test_what_waited_before_we_were_there_is_as_old_as_our_being_there():
    """Else all that comes while an observer starts would be shed as if it could not keep up."""
    observer, hour = Observer(), 3600 * 10**9
    before = monotonic_ns()
    receiver, _ = observer.connection()
    receiver.data_received(encode(0, 0, before - hour, [tuple(USUAL)]))
    assert 0 <= observer.ages[0] <= monotonic_ns() - before
    sent = monotonic_ns()
    receiver.data_received(encode(0, 1, sent, [tuple(USUAL)]))
    assert 0 <= observer.ages[1] <= monotonic_ns() - sent


def test_byte_by_byte_each_frame_is_handled_with_its_last_byte():
    observer = Observer()
    receiver, _ = observer.connection()
    whole = frame(0, 0, 2)
    for n in range(len(whole)):
        assert not observer.handled
        receiver.data_received(whole[n : n + 1])
    assert observer.counts() == counts(2)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 4), st.booleans()), min_size=1, max_size=30
    )
)
@settings(max_examples=100)
def test_gaps_are_counted_to_the_last_record_for_each_worker(sent):
    """Whatever frames get lost on the way, received and lost are what the workers handed over."""
    observer = Observer()
    handed, arrived = [0, 0, 0], [0, 0, 0]
    receiver, _ = observer.connection()
    for worker, size, arrives in sent:
        if arrives:
            receiver.data_received(frame(worker, handed[worker], size))
            arrived[worker] = handed[worker] + size
        else:
            receiver, _ = observer.connection()
        handed[worker] += size
    received = sum(size for _, size, arrives in sent if arrives)
    assert observer.done() == arrived
    assert observer.counts() == counts(received, lost=sum(arrived) - received)


def test_a_partial_frame_dies_with_its_connection_and_shows_as_a_gap():
    observer = Observer()
    receiver, _ = observer.connection()
    receiver.data_received(frame(1, 0, 2) + frame(1, 2, 5)[:-1])
    assert observer.counts() == counts(2)
    receiver, _ = observer.connection()
    receiver.data_received(frame(1, 7, 1))
    assert observer.counts() == counts(3, lost=5)


def test_what_a_dying_observer_had_in_hand_is_lost_to_the_next_one():
    """`done` moves only when a batch is through: its successor finds the gap."""
    observer = Observer()

    def die(batch: list[Exchange], age_ns: int) -> int:
        assert observer.done() == [0, 0, 0]
        raise KeyboardInterrupt

    receiver = Receiver(observer.ledger, die, lambda pid: True)
    receiver.connection_made(Transport())
    with pytest.raises(KeyboardInterrupt):
        receiver.data_received(frame(0, 0, 4))
    assert observer.done() == [0, 0, 0]
    successor, _ = observer.connection()
    successor.data_received(frame(0, 4, 1))
    got = observer.counts()
    assert (got["finished"], got["lost"]) == (1, 4)


def test_what_a_fault_lost_is_failed_and_not_finished():
    observer = Observer(failing=2)
    receiver, _ = observer.connection()
    receiver.data_received(frame(0, 0, 5))
    assert observer.counts() == counts(5, failed=2)
    assert observer.done() == [5, 0, 0]


BAD = {
    "too long": FRAME.pack(MAX_FRAME + 1, 0, 0),
    "a worker that there is not": frame(3, 0, 1),
    "a worker far out": FRAME.pack(8, 0xFFFF_FFFF, 0),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_frame_that_cannot_be_ends_its_connection_before_its_body_came(kind):
    observer = Observer()
    receiver, transport = observer.connection()
    receiver.data_received(frame(0, 0, 1) + BAD[kind][: FRAME.size])
    assert transport.aborted
    assert observer.counts() == counts(1), "what came before it counts"
    other, fine = observer.connection()
    other.data_received(frame(1, 0, 2))
    assert not fine.aborted
    assert observer.counts() == counts(3)


def test_a_frame_of_just_the_limit_is_waited_for():
    observer = Observer()
    receiver, transport = observer.connection()
    receiver.data_received(FRAME.pack(MAX_FRAME, 0, 0))
    assert not transport.aborted


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        yield ours


@pytest.mark.parametrize("known", [True, False])
def test_who_is_no_worker_of_ours_is_refused(pair, known):
    """By the kernel's word on the process at the other end."""
    asked = []

    def is_known(pid: int) -> bool:
        asked.append(pid)
        return known

    transport = Transport(pair)
    Receiver(Ledger(1), lambda batch: 0, is_known).connection_made(transport)
    assert asked == [os.getpid()]
    assert transport.aborted is not known


JUNK = {**BAD, "no payload of ours": FRAME.pack(4, 0, 0) + b"????"}


@pytest.mark.parametrize("kind", JUNK)
def test_over_real_sockets_a_bad_peer_ends_its_own_connection_alone(kind):
    async def run() -> dict[str, int]:
        observer = Observer()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        where = f"\0outrider-test-{os.getpid()}-{os.urandom(8).hex()}"
        server = await loop.create_unix_server(
            lambda: Receiver(observer.ledger, observer.handle, lambda pid: pid == os.getpid()),
            where,
        )
        good, bad = [(await asyncio.open_unix_connection(where)) for _ in range(2)]
        good[1].write(frame(1, 0, 2)[:20])
        bad[1].write(JUNK[kind])
        with suppress(ConnectionResetError):
            assert await bad[0].read() == b""
        good[1].write(frame(1, 0, 2)[20:] + frame(1, 2, 1))
        while observer.done()[1] < 3:
            await asyncio.sleep(0)
        for _, writer in (good, bad):
            writer.close()
        server.close()
        return observer.counts()

    assert asyncio.run(asyncio.wait_for(run(), 10)) == counts(3)
