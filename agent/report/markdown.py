"""A report as Markdown, short enough for a comment on a pull request.

Rule: foreign text stands in code spans alone, where nothing in it is markup, a link or a mention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agent.drift.engine.layout import counted
from agent.report import words
from agent.report.content import Column, Model, Report
from agent.report.signals import rows_of

MOST = 30
"""Columns in a table: a comment may have 65,536 characters."""
_MARKS = {"drift": "🔴", "stable": "🟢", "insufficient": "⚪"}
_INSIDE = str.maketrans({"`": "'", "|": "¦"})


def code(text: str) -> str:
    """A code span, also within a table; nothing of nothing."""
    inside = text.translate(_INSIDE).strip()
    return f"`{inside}`" if inside else ""


def markdown(report: Report) -> str:
    """The text."""
    state, sentence = words.headline(report)
    return "\n".join([f"## {_MARKS[state]} {sentence}", "", *_parts(report)]) + "\n"


def _parts(report: Report) -> Iterator[str]:
    for model in report.models:
        yield from _model(report, model)
    active = [finding for finding in report.findings if finding.active]
    if active:
        rows = [
            (
                code(words.titled(f.model, f.version)),
                code(f.means),
                f"{f.requests:,}",
                code(f.example),
            )
            for f in active
        ]
        yield from (
            "**Silent failures**",
            "",
            *_table(["model", "what", "requests", "example"], rows),
        )
    if report.traffic is not None and report.traffic.spans:
        yield from ("**Traffic**", "", *_table(*rows_of(report.traffic)))
    elif report.traffic is not None:
        yield from (f"{counted(report.traffic.requests, 'request')} since the start.", "")
    yield f"<sub>{code(report.made_by)}, {words.when(report.made_at)}, {code(report.reference)}"
    yield ("" if report.kind == "sidecar" else f"and {code(report.current)}") + "</sub>"


def _model(report: Report, model: Model) -> Iterator[str]:
    about = [code(words.title_of(report, model))]
    if model.reference is not None:
        about.append(f"reference {code(model.reference.hash)}")
        about.append(counted(model.reference.rows, "row"))
    yield from ("**" + about[0] + "** " + ", ".join(about[1:]), "")
    if model.reason:
        yield from (code(model.reason), "")
    drifting = [column for column in model.columns if column.state == "drift"]
    if drifting:
        head = ["column", "what moved", "how far", "score / threshold", "since"]
        yield from _table(head, (_row(column) for column in drifting[:MOST]))
        if len(drifting) > MOST:
            yield from (f"{len(drifting) - MOST:,} more columns drift.", "")
    lacking = [c for c in model.columns if c.missing_rose]
    if lacking:
        rows = ((code(c.name), words.change(c.missing), code(c.note)) for c in lacking[:MOST])
        yield from _table(["column", "missing", ""], rows)
    unknown = [column for column in model.columns if column.state == "insufficient"]
    if unknown:
        yield from (f"{counted(len(unknown), 'column')} not judged now.", "")


def _row(column: Column) -> Sequence[str]:
    name = code(column.name) + (" (output)" if column.side == "output" else "")
    known = " (acknowledged)" if column.acknowledged else ""
    return (
        name + known,
        words.what(column, code) or code(column.note),
        words.how_far(column),
        words.how_sure(column),
        words.when(column.since),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
