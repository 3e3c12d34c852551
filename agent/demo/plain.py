"""The run as lines, for pipes and CI.

Rule: a line says what happened; how it stands is said every few seconds, not more.
"""

from __future__ import annotations

from agent.demo.view import View, latency, named, verdict

EVERY = 5.0
"""Seconds between two lines on how it stands."""


class PlainScreen:
    """Prints."""

    def __init__(self) -> None:
        self._next = EVERY

    def note(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)

    def alarm(self, text: str) -> None:
        """Print it."""
        self.note(text)

    def show(self, view: View) -> None:
        """Print one line every `EVERY` seconds."""
        if view.seconds < self._next:
            return
        self._next = view.seconds + EVERY
        signals = view.signals
        drift = "no window judged yet"
        if view.columns:
            top = view.columns[0]
            drift = (
                f"nearest to its threshold: {named(top)} {top.score:.2f} of"
                f" {top.threshold:.2f} {verdict(top)}"
            )
        self.note(
            f"{view.seconds:5.0f} s  {view.act.title}: {signals.rate:.0f} requests/s,"
            f" {signals.errors:.0f} errors, p50 {latency(signals.p50)},"
            f" p99 {latency(signals.p99)}; {drift}"
        )

    def close(self) -> None:
        """Nothing to give back."""
