"""A worker's end of the bus on fakes: no loop turns by itself, and the observer reads when told."""

from __future__ import annotations

from agent.exchange import FRAME, decode
from agent.ledger import WORKER, Ledger
from agent.proxy.bus import Bus, _Link
from agent.proxy.capture import Budget
from tests.signals.factory import USUAL

RECORD = tuple(USUAL)
REASONS = ("dropped_full", "dropped_away", "dropped_killed")


class Timer:
    def __init__(self, work) -> None:
        self.work, self.cancelled = work, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """What the bus asks of an event loop; nothing runs by itself."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.connects = 0
        self.now = 0.0

    def time(self) -> float:
        self.now += 1.0
        return self.now

    def call_later(self, seconds: float, work) -> Timer:
        self.timers.append(Timer(work))
        return self.timers[-1]

    def create_task(self, connecting) -> None:
        connecting.close()
        self.connects += 1

    def pass_time(self) -> None:
        due, self.timers = self.timers, []
        for timer in due:
            if not timer.cancelled:
                timer.work()


class Transport:
    """A connection whose reader takes bytes when told to."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.buffered = 0
        self.closed_with: int | None = None
        """Bytes that were not read yet when it was closed."""

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.sent += data
        self.buffered += len(data)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def close(self) -> None:
        self.closed_with = self.buffered


def frames(data: bytes) -> list[tuple[int, int, int]]:
    """Worker, sequence number and count of records of each frame."""
    found, at = [], 0
    while at < len(data):
        size, worker, _ = FRAME.unpack_from(data, at)
        first, batch = decode(bytes(data[at + FRAME.size : at + FRAME.size + size]))
        found.append((worker, first, len(batch)))
        at += FRAME.size + size
    return found


class Worker:
    """A bus of worker 1 on fakes; `restart` is what its process's death and successor do."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.ledger = Ledger(2)
        self.limit = limit
        self.frames: list[tuple[int, int, int]] = []
        self.transport: Transport | None = None
        self._start()

    def _start(self) -> None:
        self.loop, self.budget = Loop(), Budget(self.limit)
        self.region = self.ledger.worker(1)
        self.bus = Bus(self.loop, "", 1, self.region, self.budget)
        self.bus.start()

    def restart(self) -> None:
        self._lose()
        self._start()

    def put(self, held: int = 0) -> None:
        if self.budget.take(held):
            self.bus.put(RECORD, held)

    def connect(self) -> None:
        if self.transport is None:
            self.transport, self._link = Transport(), _Link(self.bus)
            self._link.connection_made(self.transport)  # type: ignore[arg-type]

    def disconnect(self) -> None:
        if self._lose():
            self._link.connection_lost(None)

    def _lose(self) -> bool:
        lost, self.transport = self.transport, None
        if lost is not None:
            self.frames += frames(lost.sent)
        return lost is not None

    def all_frames(self) -> list[tuple[int, int, int]]:
        return self.frames + (frames(self.transport.sent) if self.transport else [])

    def count(self, name: str) -> int:
        return self.region.counters[WORKER[name]]

    def dropped(self) -> dict[str, int]:
        return {name: self.count(name) for name in REASONS if self.count(name)}

    def waiting(self) -> int:
        """Records made and not accounted for: those of the batch."""
        return self.count("observed") - self.count("handed") - sum(self.dropped().values())
