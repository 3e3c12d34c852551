"""What a business value was in one exchange: plain data, for who counts it.

Rule: nothing here knows an expression or a document.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Why = Literal["", "absent", "type", "not_json", "bounds"]
"""Why a value is missing. `absent`: nothing is at its place; `type`: it is no number, or cannot be
compared; `not_json`: the body has no document; `bounds`: too long, or too much to look through."""


class Tally(Struct, frozen=True, gc=False):
    """Of one value; of a batch of rows there may be many."""

    name: str
    true: int = 0
    false: int = 0
    numbers: int = 0
    positive: float = 0.0
    """Sum of the numbers above zero."""
    negative: float = 0.0
    """Sum of those below zero, without its sign."""
    missing: int = 0
    why: Why = ""
    """Of the missing ones, or of one of them."""
