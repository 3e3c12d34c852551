"""Tables and numbers for people at a terminal.

Rule: pure; a table is as wide as what is in it, but for its last column, which is cut.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100
"""Characters of a line."""
NAME = 28
"""Of a column's name at most."""
GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> list[str]:
    """A heading and a line a row, indented; columns that are empty in all rows are left out.

    `right`: of each column `>` if it is a column of numbers.
    """
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in [head, *rows]) for i in used}
    lines: list[str] = []
    for row in [head, *rows]:
        cells = [f"{row[i]:{right[i : i + 1] or '<'}{widths[i]}}" for i in used]
        lines.append(cut(GAP + GAP.join(cells).rstrip(), WIDTH))
    return lines


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, on one line."""
    plain = "".join(c if c.isprintable() else "�" for c in text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def shortened(text: str, most: int = NAME) -> str:
    """What is too long loses its middle: names differ at their ends."""
    plain = cut(text, len(text))
    if len(plain) <= most:
        return plain
    end = most // 3
    return f"{plain[: most - end - 1]}…{plain[-end:]}"


def number(value: float, digits: int = 3) -> str:
    """Rounded to so many digits: `0.065`, `1,935`, `3.2e-07`."""
    if 1000 <= abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def percent(share: float) -> str:
    """A share, 0 to 1; what is not nothing never looks so."""
    if not 0 < share < 1:
        return f"{share:.0%}"
    shown = f"{share:.1%}"
    return "<0.1%" if shown == "0.0%" else ">99.9%" if shown == "100.0%" else shown


def counted(number: int, noun: str) -> str:
    """`1 column`, `2 columns`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
