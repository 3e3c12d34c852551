"""A verdict that became another: what the log and the sinks are told.

Rule: plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.drift.engine.previous import ChangedAgain
from agent.drift.engine.verdict import State, Verdict
from agent.drift.traffic.examples import Example


class Change(NamedTuple):
    """A column's verdict became another; from drift to drift: its mute ended, or it moved again."""

    model: str
    column: str
    side: str
    before: State
    after: State
    since: float
    verdict: Verdict
    """That which changed it."""
    examples: Sequence[Example] = ()
    """Some requests in the bins that grew."""
    again: ChangedAgain | None = None
    """Long in drift, it changed against the windows before."""
    version: str = ""
    """Of the model."""
