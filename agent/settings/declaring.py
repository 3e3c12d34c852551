"""What declarations of settings are made of: types, explanations, defaults as they are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

from msgspec import Meta, field

T = TypeVar("T")

Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]


def doc(text: str, *examples: object) -> Meta:
    """What a setting is for, and what it may be."""
    return Meta(description=text, examples=list(examples) or None)


def default(type_: Callable[[object], T], text: object) -> T:
    """A default that is written as people write it."""
    value: T = field(default_factory=partial(type_, text))
    return value
