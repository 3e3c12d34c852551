"""Bounded copies of bodies, under one budget of bytes for the whole worker.

Rule: nothing here can grow: a copy keeps the head and the tail of a body and counts what lies
between; when the budget is spent a copy is given up, never the traffic.
"""

from __future__ import annotations

from collections import deque


class Budget:
    """Bytes that bodies in flight and records not yet sent may hold together."""

    __slots__ = ("limit", "unsent", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        """Held by captures and by the batch that waits for its frame."""
        self.unsent = 0
        """Held by the bus's connection."""

    def take(self, size: int) -> bool:
        """Reserves `size` bytes; False, and nothing reserved, if there is no room."""
        if self.used + self.unsent + size > self.limit:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        self.used -= size


class Capture:
    """A copy of one body as its pieces pass by: at most `limit` bytes, half head, half tail."""

    tail: deque[bytes] | None = None
    tail_size = 0
    skipped = 0
    held = 0
    failed = False
    """No room in the budget: the copy was given up."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self.budget = budget
        self.limit = limit
        self.pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Keeps one piece of the body, or as much of it as the bounds allow."""
        if self.failed:
            return
        size = len(piece)
        if self.tail is None and self.held + size <= self.limit:
            if self.budget.take(size):
                self.held += size
                self.pieces.append(piece)
            else:
                self.give_up()
            return
        self._add_tail(piece)

    def _add_tail(self, piece: bytes) -> None:
        if self.tail is None:
            self._split()
        assert self.tail is not None
        room = self.limit // 2
        if len(piece) > room:
            self.skipped += len(piece) - room
            piece = piece[-room:] if room else b""
        if not self.budget.take(len(piece)):
            self.give_up()
            return
        self.held += len(piece)
        self.tail.append(piece)
        self.tail_size += len(piece)
        while self.tail_size > room:
            oldest = self.tail.popleft()
            excess = self.tail_size - room
            kept = oldest[excess:]
            if kept:
                self.tail.appendleft(kept)
            dropped = len(oldest) - len(kept)
            self.tail_size -= dropped
            self.skipped += dropped
            self.held -= dropped
            self.budget.give(dropped)

    def _split(self) -> None:
        """From here on only the last bytes are kept: what stands past the head starts the tail."""
        whole = b"".join(self.pieces)
        half = self.limit - self.limit // 2
        self.pieces = [whole[:half]]
        self.tail = deque([whole[half:]])
        self.tail_size = len(whole) - len(self.pieces[0])

    def give_up(self) -> None:
        """Lets go of the copy; the budget gets its bytes back."""
        self.budget.give(self.held)
        self.held = 0
        self.pieces = []
        self.tail = None
        self.failed = True

    def body(self) -> tuple[bytes, bytes, int]:
        """The copy as a plain `exchange.Body`; its bytes stay charged to the budget."""
        pieces = self.pieces
        head = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        tail = b"".join(self.tail) if self.tail else b""
        return head, tail, self.skipped
