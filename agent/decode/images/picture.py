"""An image in the place of a text: in a tensor of bytes, say.

Rule: where nobody makes columns of it, it is an empty text of a known length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.decode.images.facts import Facts, of_bytes, of_text
from agent.decode.payload import MAX_STRING, Cut, Value, cut


class Picture(Cut):
    """See the module."""

    __slots__ = ("facts",)

    facts: Facts

    @classmethod
    def of(cls, facts: Facts, length: int) -> Picture:
        """An image of these facts, that was so many characters or bytes."""
        self = cls("")
        self.facts, self.length = facts, length
        return self


def text(value: str) -> str:
    """What is kept of a text, which may be an image in base64."""
    if len(value) <= MAX_STRING:
        return value
    facts = of_text(value)
    return cut(value) if facts is None else Picture.of(facts, len(value))


def opaque(data: bytes) -> str:
    """Bytes that are no text: an image, or a text of as many characters."""
    facts = of_bytes(data)
    return cut(data.decode("latin-1")) if facts is None else Picture.of(facts, len(data))


def columns(values: Sequence[Value]) -> Iterator[tuple[str, list[Value]]]:
    """Name and values of each fact of a column of pictures; None where a value is none."""
    facts = [value.facts if isinstance(value, Picture) else {} for value in values]
    for name in dict.fromkeys(name for each in facts for name in each):
        yield name, [each.get(name) for each in facts]
