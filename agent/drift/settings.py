"""How drift is judged, as the configuration's `drift:` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agent.drift.engine.allowance import Mode as Variation
from agent.drift.engine.classic import Rule
from agent.drift.engine.verdict import Mode


def hides_none(column: str) -> bool:
    """No column."""
    return False


class Settings(NamedTuple):
    """As in the contract's `drift:`; durations in seconds."""

    window_rows: int = 1000
    window_seconds: float = 300.0
    false_alarms: float = 1 / (30 * 86400)
    """Alarms a second that a model may raise without drift."""
    replicas: int = 1
    min_effect: float = 0.05
    mode: Mode = "evidence"
    natural_variation: Variation = "strict"
    learn_rows: int | None = 5000
    """None: a model without a reference is not judged."""
    learn_period: float | None = None
    """Seconds of the period that a learned reference is made of; None: of its first rows only."""

    hides: Callable[[str], bool] = hides_none
    """By a column's name: its categories are learned as hashes, whatever they look like."""

    @property
    def rule(self) -> Rule:
        """The old rule that is judged by, where it is one."""
        return "psi" if self.mode == "evidence" else self.mode
