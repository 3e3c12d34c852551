"""In which order the columns of a reference stood in the rows that it was made from.

Rule: a model that takes bare arrays takes them in the order of its training data; the order is
what gives such values their names. It is known of rows of a file, not of traffic by name, nor of
other tools' profiles.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct


class Order(Struct, frozen=True):
    """Names of a side's plain columns, as they stood; vectors and what is derived are not there."""

    input: list[str] = []
    output: list[str] = []


def wrong_order(order: Order, columns: Collection[tuple[str, str]]) -> str:
    """What is wrong with it, or nothing; `columns` are side and name of those there are."""
    for side, names in (("input", order.input), ("output", order.output)):
        if len({*names}) < len(names):
            return f"the order of {side} columns names one twice"
        if any((side, name) not in columns for name in names):
            return f"the order of {side} columns names one that is not there"
    return ""
