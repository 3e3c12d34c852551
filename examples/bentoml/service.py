"""A BentoML service: rows of pydantic's, an array, and a file."""

from __future__ import annotations

from pathlib import Path

import bentoml
import numpy as np
from pydantic import BaseModel


class Home(BaseModel):
    """Where a person lives."""

    city: str
    rooms: int


class Person(BaseModel):
    """A row."""

    age: float
    income: float
    home: Home


class Credit(BaseModel):
    """The answer for a row."""

    score: float
    approved: bool


@bentoml.service(workers=1)
class Scorer:
    """The model."""

    @bentoml.api
    def predict(self, people: list[Person]) -> list[Credit]:
        """A score for each row."""
        scores = [person.income / (1000 + 100 * person.home.rooms) for person in people]
        return [Credit(score=round(score, 3), approved=score > 1) for score in scores]

    @bentoml.api
    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of each row of an array."""
        return values.sum(axis=1)

    @bentoml.api
    def lines(self, text: Path, least: int = 1) -> dict[str, int]:
        """How many lines of a file have at least so many characters."""
        return {"lines": sum(len(line) >= least for line in text.read_text().splitlines())}
