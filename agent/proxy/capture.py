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
    """A copy of one body as its pieces pass by: at most `limit` bytes, half head, half tail.

    While it is made the tail may hold one piece more, itself no longer than half the limit.
    """

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
        """The oldest piece of the tail goes once the ones behind it are enough (no byte is copied
        twice: one-byte pieces behind a large one must not cost a copy of it each)."""
        room = self.limit // 2
        if self.tail is None:
            piece = self._split(piece, self.limit - room)
        if len(piece) > room:
            self.skipped += len(piece) - room
            piece = piece[len(piece) - room :]
        if self.tail is None or not self._hold(self.tail, piece):
            return
        self.tail_size += len(piece)
        while self.tail and self.tail_size - len(self.tail[0]) >= room:
            oldest = len(self.tail.popleft())
            self.tail_size -= oldest
            self.skipped += oldest
            self.held -= oldest
            self.budget.give(oldest)

    def _split(self, piece: bytes, half: int) -> bytes:
        """From here on only the last bytes are kept; gives what of `piece` is not in the head."""
        whole = b"".join(self.pieces)
        self.pieces, self.tail = [whole[:half]], deque()
        if len(whole) > half:
            self.tail.append(whole[half:])
            self.tail_size = len(whole) - half
            return piece
        missing = half - len(whole)
        self._hold(self.pieces, piece[:missing])
        return piece[missing:]

    def _hold(self, where: list[bytes] | deque[bytes], piece: bytes) -> bool:
        """Keeps a piece if the budget has room; gives the copy up if not."""
        if self.failed or not self.budget.take(len(piece)):
            self.give_up()
            return False
        self.held += len(piece)
        where.append(piece)
        return True

    def give_up(self) -> None:
        """Lets go of the copy; the budget gets its bytes back."""
        self.budget.give(self.held)
        self.held = 0
        self.pieces, self.tail = [], None
        self.failed = True

    def body(self) -> tuple[bytes, bytes, int]:
        """The copy as a plain `exchange.Body`, to be taken once; `held` is what stays charged."""
        pieces = self.pieces
        head = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if not self.tail:
            return head, b"", self.skipped
        tail = b"".join(self.tail)
        excess = max(len(tail) - self.limit // 2, 0)
        self.held -= excess
        self.budget.give(excess)
        return head, tail[excess:], self.skipped + excess
