"""A column as a picture: reference beside now, as SVG that needs no script and no text metrics.

Rule: small, for a report may have hundreds: bars of one kind are one path. Colours are classes of
`style`, so that light, dark and paper have their own.

Numbers stand side by side, each bin as wide as any other, as bins are made to hold about as many of
the reference's rows: what moved is seen where it is, whatever the outliers. Categories, and few
numbers, stand below each other with their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.drift.engine.layout import number, percent, shortened
from agent.report.content import Past
from agent.report.html.markup import Markup, element, joined

TALL = 100
"""Units of the tallest bar."""
SLOT = 10
"""Units of a bin's width."""
TICKS = 4
FEW = 5
"""Bins of numbers that are listed by their names instead: single values, mostly."""
MOST_CATEGORIES = 16
"""That have a bar of their own; the rest is one."""

Bin = Mapping[str, Any]


def drawn(picture: Mapping[str, Any], label: str) -> Markup:
    """The picture; `label` says what it is of to who cannot see it."""
    bins: Sequence[Bin] = picture["bins"]
    if not bins:
        return joined()
    if sum(one["kind"] == "range" for one in bins) > FEW:
        return _numbers(bins, label)
    return _categories(bins)


def _numbers(bins: Sequence[Bin], label: str) -> Markup:
    ranges = [one for one in bins if one["kind"] == "range"]
    others = [one for one in bins if one["kind"] != "range"]
    slots = len(ranges) + len(others) + bool(others)
    top = max(max(one["reference"], one["now"]) for one in bins) or 1.0
    placed = [*enumerate(ranges), *enumerate(others, len(ranges) + 1)]
    wide = f"0 0 {slots * SLOT} {TALL}"
    before = _bars(((at, one["reference"] / top) for at, one in placed), 0.0)
    still = _bars(((at, one["now"] / top) for at, one in placed if not one["moved"]), 0.22)
    moved = _bars(((at, one["now"] / top) for at, one in placed if one["moved"]), 0.22)
    bars = element(
        "svg",
        element("path", d=before, class_="before"),
        element("path", d=still, class_="now") if still else None,
        element("path", d=moved, class_="moved") if moved else None,
        viewBox=wide,
        preserveAspectRatio="none",
        width="100%",
        height=120,
        y=14,
    )
    texts = [element("text", percent(top), x=0, y=10, class_="t")]
    texts += _axis(ranges, slots)
    for at, one in enumerate(others, len(ranges) + 1):
        is_last = at + 1 == slots
        x = f"{(at + (1.0 if is_last else 0.5)) / slots:.1%}"
        texts.append(
            element("text", one["kind"], x=x, y=150, class_=f"t {'e' if is_last else 'm'}")
        )
    return element("svg", bars, texts, class_="hist", role="img", aria_label=label, height=156)


def _bars(shares: Iterable[tuple[int, float]], inset: float) -> str:
    """A path of bars, by slot and height (0 to 1)."""
    width = SLOT * (1 - 2 * inset)
    parts = []
    for at, share in shares:
        if share > 0:
            tall = max(1.0, share * TALL)
            parts.append(f"M{(at + inset) * SLOT:g} {TALL}v{-tall:.1f}h{width:g}v{tall:.1f}z")
    return "".join(parts)


def _axis(ranges: Sequence[Bin], slots: int) -> list[Markup]:
    """Values at the borders of some bins, each where it is."""
    step = max(1, len(ranges) // TICKS)
    found: list[Markup] = []
    for at in range(0, len(ranges) + 1, step):
        if at < len(ranges):
            value = ranges[at]["low"]
        else:
            value = ranges[-1]["high"]
        if value is not None:
            side = "" if at == 0 else " m" if at < len(ranges) else " e"
            found.append(
                element("text", number(value), x=f"{at / slots:.1%}", y=150, class_=f"t{side}")
            )
    return found


def _categories(bins: Sequence[Bin]) -> Markup:
    shown, rest = _worst(bins)
    top = max(max(one["reference"], one["now"]) for one in shown) or 1.0
    rows = [
        element(
            "li",
            element("span", shortened(one["bin"], 40), class_="name", title=one["bin"]),
            _pair(one, top),
            element("span", f"{percent(one['reference'])} → {percent(one['now'])}", class_="n"),
        )
        for one in shown
    ]
    if rest:
        rows.append(element("li", element("span", f"{len(rest):,} more moved less", class_="name")))
    return element("ul", *rows, class_="bars")


def _worst(bins: Sequence[Bin]) -> tuple[list[Bin], list[Bin]]:
    """Those that moved most, in their order, and the rest."""
    order = sorted(range(len(bins)), key=lambda at: -abs(bins[at]["now"] - bins[at]["reference"]))
    kept = {*order[:MOST_CATEGORIES]}
    shown = [one for at, one in enumerate(bins) if at in kept]
    return shown, [one for at, one in enumerate(bins) if at not in kept]


def _pair(one: Bin, top: float) -> Markup:
    """Two bars above each other."""

    def bar(share: float, y: str, kind: str) -> Markup:
        width = f"{max(0.4, 100 * share / top) if share else 0:.1f}%"
        return element("rect", x=0, y=y, width=width, height="44%", class_=kind)

    now = "moved" if one["moved"] else "now"
    return element(
        "svg",
        bar(one["reference"], "4%", "before"),
        bar(one["now"], "52%", now),
        class_="pair",
        aria_hidden="true",
    )


def past_of(past: Past, label: str) -> Markup:
    """How far a column was over time, and the line above which it drifts."""
    points = past.ratio
    top = max(2.0, *(value for value in points if value is not None))
    steps: list[str] = []
    is_on = False
    for at, value in enumerate(points):
        if value is not None:
            y = TALL - TALL * max(0.0, value) / top
            steps.append(f"{'H' if is_on else 'M'}{at}{'V' if is_on else ' '}{y:.1f}h1")
        is_on = value is not None
    limit = TALL - TALL / top
    line = element("path", d="".join(steps), class_="line", vector_effect="non-scaling-stroke")
    threshold = element(
        "path",
        d=f"M0 {limit:.1f}h{len(points)}",
        class_="limit",
        vector_effect="non-scaling-stroke",
    )
    return element(
        "svg",
        threshold,
        line,
        viewBox=f"0 0 {len(points)} {TALL}",
        preserveAspectRatio="none",
        class_="past",
        role="img",
        aria_label=label,
    )
