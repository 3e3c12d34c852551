"""What the observer leaves out when it cannot keep up, so that the rest stays whole.

Rule: levels follow the age of the batches that arrive; up at once, down one by one when the
observer has caught up. What was left out is counted in the ledger.
"""

from __future__ import annotations

from collections.abc import MutableSequence

from agent.ledger import OBSERVER

SKETCHES, PAYLOAD_LOGS, LOGS, SPANS = 1, 2, 3, 4
"""Levels: at each, this and what stands before it are left out."""

STEP_NS = 2_000_000_000
"""Each level begins when records are so much older."""
CALM_NS = 500_000_000
"""Younger than this, the level falls by one a batch."""

_COUNTERS = {
    SKETCHES: OBSERVER["shed_sketches"],
    PAYLOAD_LOGS: OBSERVER["shed_payload_logs"],
    LOGS: OBSERVER["shed_logs"],
    SPANS: OBSERVER["shed_spans"],
}


class Shedder:
    """Keeps the level, in the ledger too, as the gauge `outrider_shed_level`."""

    def __init__(self, counters: MutableSequence[int] | memoryview) -> None:
        self._counters = counters
        self._level = 0
        self._show()

    def level(self, age_ns: int) -> int:
        """The level for a batch that its worker handed over `age_ns` ago."""
        wanted = min(age_ns // STEP_NS, SPANS)
        if wanted > self._level:
            self._level = wanted
            self._show()
        elif self._level and age_ns < CALM_NS:
            self._level -= 1
            self._show()
        return self._level

    def count(self, level: int, records: int) -> None:
        """Records for which what `level` names was left out."""
        self._counters[_COUNTERS[level]] += records

    def _show(self) -> None:
        self._counters[OBSERVER["shed"]] = self._level
