"""What was counted in an interval: plain sums, and what follows from them.

Rule: exact. A request is a server error if it ended with a status of 500 or more or because of the
upstream, whatever the status; a client error if with 400 to 499 or because the client left.
"""

from __future__ import annotations

from typing import NamedTuple

from agent.history.percentile import percentile


class Buckets(NamedTuple):
    """A histogram: upper bounds in seconds, and one more count than these, not cumulative."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def percentile(self, share: float) -> float | None:
        """In seconds; None if nothing was counted."""
        return percentile(self.bounds, self.counts, share)


class Totals(NamedTuple):
    """Sums of `seconds`, which may be fewer than were asked for: of others nothing is known."""

    seconds: float
    client_errors: int
    server_errors: int
    dropped: int
    """Records that were lost before they were looked at."""
    shed: int
    """Records of which overload left something out."""
    worker_restarts: int
    observer_restarts: int
    rows: int
    """That the model scored and that were decoded."""
    durations: Buckets
    overheads: Buckets

    @property
    def requests(self) -> int:
        """All, failed ones too."""
        return sum(self.durations.counts)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def error_ratio(self) -> float | None:
        """Server errors among the requests, 0 to 1; None without requests."""
        return self.server_errors / self.requests if self.requests else None

    @property
    def client_error_ratio(self) -> float | None:
        """Client errors among the requests, 0 to 1; None without requests."""
        return self.client_errors / self.requests if self.requests else None
