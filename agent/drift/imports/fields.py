"""A document that somebody else wrote, read field by field.

Rule: what is not as it should be is a ProfileError that names the field, its value and a remedy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from agent.drift.reference.profile import MAX_COUNT, ProfileError


class Field(NamedTuple):
    """A place in a document."""

    source: str
    path: str
    value: object
    remedy: str

    def wrong(self, problem: str) -> ProfileError:
        """To raise."""
        return ProfileError(self.source, self.path or "file", self.value, problem, self.remedy)

    def has(self, name: str) -> bool:
        """Whether it is an object with such a field that is not null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def at(self, *names: str) -> Field:
        """A field within."""
        here = self
        for name in names:
            if not isinstance(here.value, dict):
                raise here.wrong("is no object")
            path = f"{here.path}.{name}" if here.path else name
            if name not in here.value:
                raise Field(here.source, path, None, here.remedy).wrong("is not there")
            here = here._replace(path=path, value=here.value[name])
        return here

    def each(self) -> Iterator[Field]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("is no list")
        for i, item in enumerate(self.value):
            yield self._replace(path=f"{self.path}.{i}", value=item)

    def text(self) -> str:
        """A string that is some."""
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong("is no text")
        try:
            self.value.encode()
        except UnicodeEncodeError:
            raise self.wrong("holds half a surrogate pair") from None
        return self.value

    def number(self) -> float:
        """A finite number."""
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            try:
                found = float(self.value)
            except OverflowError:
                raise self.wrong("is no number that a float can hold") from None
            if math.isfinite(found):
                return found
        raise self.wrong("is no finite number")

    def amount(self) -> float:
        """A number that is not negative, and no more than a count may be."""
        found = self.number()
        if not 0 <= found <= MAX_COUNT:
            raise self.wrong(f"is not between 0 and {MAX_COUNT}")
        return found

    def whole(self) -> int:
        """A whole amount, whether it is written 418 or 418.0."""
        found = self.amount()
        if not found.is_integer():
            raise self.wrong("is no whole number")
        return int(found)
