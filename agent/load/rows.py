"""How many predictions each model made: rows of the answers that were decoded.

Rule: one addition a payload, some 0.15 µs; models beyond MAX_MODELS are counted together.
"""

from __future__ import annotations

from agent.decode.payload import Payload

MAX_MODELS = 64
OTHER = "other"


class Rows:
    """Counts since the observer began, by the name of a model as it may be shown."""

    def __init__(self) -> None:
        self.by_model: dict[str, int] = {}

    def add(self, payload: Payload) -> None:
        """Counts the rows of the answer, or those of the request if the answer has none."""
        rows, model = payload.output_rows or payload.rows, payload.model
        counts = self.by_model
        if model in counts:
            counts[model] += rows
        else:
            self._first(model, rows)

    def _first(self, model: str, rows: int) -> None:
        if len(self.by_model) >= MAX_MODELS:
            model = OTHER
        self.by_model[model] = self.by_model.get(model, 0) + rows
