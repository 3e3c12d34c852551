"""HTML made of elements, escaped by construction: only what is `Markup` is not escaped again."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = frozenset(("meta", "rect", "path", "line"))
"""Elements that have no end."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | Iterable["Child"] | None


def element(name: str, /, *children: Child, **attributes: str | int | float | None) -> Markup:
    """An element. Attributes of None are left out; `class_` is `class`, `_` in others is `-`."""
    found = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Markup(f"<{name}{found}/>")
    return Markup(f"<{name}{found}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Children one after the other; None is nothing."""
    return Markup("".join(map(_text, children)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return escape(child) if isinstance(child, str) else joined(*child)


def table(
    label: str, head: Iterable[Child], rows: Iterable[Iterable[Child]], numbers: str = ""
) -> Markup:
    """A table that scrolls by itself where it is too wide; `label` says of what to who cannot see
    it; `numbers`: of each column `>` if it is one of numbers."""
    heads = [*head]
    kinds = [("n" if numbers[i : i + 1] == ">" else None) for i in range(len(heads))]
    top = (
        element("th", text, class_=kind, scope="col")
        for text, kind in zip(heads, kinds, strict=True)
    )
    lines = (
        element("tr", *(element("td", c, class_=k) for c, k in zip(row, kinds, strict=True)))
        for row in rows
    )
    whole = element("table", element("thead", element("tr", *top)), element("tbody", *lines))
    return element("div", whole, class_="wide", tabindex=0, role="region", aria_label=label)
