"""Columns in a report's page: what moved, its pictures, data quality, all of them.

Rule: nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.drift.engine.layout import counted, number, percent, shortened
from agent.report import words
from agent.report.content import Column, Model, Past
from agent.report.html.markup import Markup, element, joined, table
from agent.report.html.picture import drawn, past_of

NAME = 36
"""Characters of a column's name in a table; all of it is in its card, and in a tip."""
UNSEEN = 0.01
"""Share of rows never seen before that is told; a little always is."""
MOST = 500
"""Rows of a table; of further columns the number is told."""
OPEN = 15
"""Rows of a table that is shown; of more, its title is."""


def moved_of(columns: Sequence[Column]) -> Markup:
    is_timed = any(column.since is not None for column in columns)
    rows = (
        (
            _name(column),
            words.what(column) or column.note,
            _unbroken(words.how_far(column)),
            _unbroken(words.against(column)),
            _unbroken(words.probability(column.p_value)),
            *([_unbroken(words.when(column.since))] if is_timed else []),
        )
        for column in columns[:MOST]
    )
    head = ["column", "what", "how far", "score / threshold", "by chance", *["since"] * is_timed]
    return joined(table("What moved", head, rows), _further(columns))


def _further(columns: Sequence[Column]) -> Markup | None:
    left = len(columns) - MOST
    return element("p", f"{left:,} more are in the JSON alone.") if left > 0 else None


def _unbroken(text: str) -> Markup:
    return element("span", text, class_="u")


def _name(column: Column) -> Markup:
    side = element("span", f" {column.side}", class_="soft") if column.side == "output" else None
    known = (" ", tag("acknowledged", "insufficient")) if column.acknowledged else None
    short = shortened(column.name, NAME)
    name = element("span", short, title=column.name if short != column.name else None)
    return joined(name, side, known)


def tag(text: str, state: str) -> Markup:
    return element("span", text, class_=f"tag {state}")


def card_of(column: Column) -> Markup:
    picture = column.picture
    lead = ", ".join(filter(None, (words.what(column), words.how_far(column))))
    parts: list[Markup | None] = [
        element(
            "header",
            element("h4", column.name),
            element("span", f"{column.side}, {column.kind}", class_="soft"),
            tag("acknowledged", "insufficient") if column.acknowledged else None,
        ),
        element("p", lead[:1].upper() + lead[1:], class_="lead"),
    ]
    if picture and picture["bins"]:
        now = f"{picture.get('now_of') or 'now'}, {counted(picture['now_rows'], 'row')}"
        parts.append(_legend(f"reference, {counted(picture['rows'], 'row')}", now, picture))
        label = f"{column.name}: shares of the rows in the reference and now"
        parts.append(drawn(picture, label))
        if picture.get("measure"):
            parts.append(element("p", f"Shown: {picture['measure']}.", class_="soft"))
        parts.append(_quantiles(picture))
    if column.past is not None:
        parts.append(_past(column, column.past))
    if column.examples:
        shown = (element("code", one.request_id) for one in column.examples[:5])
        spaced = [part for one in shown for part in (one, " ")]
        parts.append(element("p", element("span", "Requests: ", class_="soft"), *spaced))
    return element("section", *parts, class_="card")


def _past(column: Column, past: Past) -> Markup:
    ended = past.began + past.step_seconds * len(past.ratio)
    text = f"Score by threshold, {words.when(past.began)} to {words.when(ended)}"
    return joined(
        element("p", f"{text}; above the dashed line it drifts.", class_="soft"),
        past_of(past, f"{column.name}: {text}"),
    )


def _legend(before: str, now: str, picture: dict[str, object]) -> Markup:
    bins = picture["bins"]
    keys = [("before", before), ("now", now)]
    if isinstance(bins, list) and any(one["moved"] for one in bins):
        keys.append(("moved", "moved beyond chance"))
    return element(
        "p",
        *(
            element(
                "span",
                element("svg", element("rect", width="100%", height="100%", class_=kind)),
                text,
            )
            for kind, text in keys
        ),
        class_="legend",
    )


def _quantiles(picture: dict[str, object]) -> Markup | None:
    found = picture.get("quantiles")
    if not isinstance(found, dict) or found["now"]["p50"] is None:
        return None
    parts = []
    for name, text in (("p05", "5 %"), ("p50", "median"), ("p95", "95 %")):
        before, now = found["reference"][name], found["now"][name]
        if before is not None:
            beyond = "beyond " if name in found["now"].get("beyond", ()) else ""
            parts.append(f"{text}: {number(before)} → {beyond}{number(now)}")
    return element("p", " · ".join(parts), class_="soft")


def quality_of(model: Model) -> Markup:
    def is_told(column: Column) -> bool:
        pairs = column.missing, column.invalid
        some = any((pair.now or 0) or (pair.reference or 0) for pair in pairs)
        return column.missing_rose or some or (column.unseen or 0) >= UNSEEN

    columns = [column for column in model.columns if not column.derived and is_told(column)]
    if not columns:
        return element(
            "p",
            "Data quality: nothing is missing or invalid, and little was never seen before.",
        )
    columns.sort(key=lambda c: (not c.missing_rose, -(c.missing.now or 0) - (c.invalid.now or 0)))
    rows = [
        (
            _name(column),
            words.change(column.missing),
            words.change(column.invalid),
            "" if not column.unseen else percent(column.unseen),
            joined(
                tag("more than before", "drift") if column.missing_rose else None, " ", column.note
            ),
        )
        for column in columns[:MOST]
    ]
    head = ["column", "missing", "invalid", "never seen before", "note"]
    return _folded(
        f"Data quality ({counted(len(columns), 'column')})",
        joined(table("Data quality", head, rows, "<>>>"), _further(columns)),
        len(rows) <= OPEN,
    )


def all_of(model: Model) -> Markup | None:
    if not model.columns:
        return None
    rows = [
        (
            _name(column),
            column.kind,
            tag(column.state, column.state),
            number(column.excess, 2) if column.score is not None else "",
            "" if column.psi is None else f"{column.psi:.3f}",
            words.change(column.missing),
            f"{column.rows:,}",
        )
        for column in model.columns[:MOST]
    ]
    head = ["column", "kind", "state", "times threshold", "PSI", "missing", "rows"]
    title = f"All columns ({len(model.columns):,})"
    content = joined(table(title, head, rows, "<<<>>>>"), _further(model.columns))
    return _folded(title, content, len(rows) <= OPEN)


def _folded(title: str, content: Markup, is_open: bool) -> Markup:
    return element("details", element("summary", title), content, open="" if is_open else None)
