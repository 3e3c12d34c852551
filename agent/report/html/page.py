"""A report as one HTML file: no script, no network, escaped by construction (`html.markup`).

Rule: nothing is computed here; what is in no section of `content` is not told. The policy in it
forbids all but its own style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from agent.drift.engine.layout import counted
from agent.report import words
from agent.report.content import Model, Report
from agent.report.gate import problems
from agent.report.html.columns import all_of, card_of, moved_of, quality_of
from agent.report.html.markup import Markup, element, joined
from agent.report.html.signals import events_of, findings_of, predictions_of, traffic_of
from agent.report.html.style import CSS
from agent.report.signals import tiles_of

MOST_PICTURES = 120
"""Of one report, so that it stays under a megabyte; the table names further columns."""
HTML = "<!doctype html>\n"


def html(report: Report) -> str:
    """The file."""
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    state, sentence = words.headline(report)
    names = ", ".join(words.title_of(report, model) for model in report.models)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{sentence} – drift report"),
        Markup(f"<style>{CSS}</style>"),
    )
    body = element(
        "main",
        element("h1", "Drift report"),
        element("p", f"{names or 'no model'} · {words.when(report.made_at)}", class_="soft"),
        element("p", sentence, class_=f"verdict {state}"),
        _tiles(report),
        [part for model in report.models for part in _model(report, model)],
        findings_of(report.findings),
        traffic_of(report.traffic),
        events_of(report.events),
        _caveats("What to bear in mind", report.caveats, "h2"),
        _footer(report),
    )
    whole = element("html", head, element("body", body), lang="en")
    return HTML + whole + "\n"


def _tiles(report: Report) -> Markup:
    found = problems(report)
    drifting = sum(c.state == "drift" and not c.acknowledged for c in report.columns())
    missing = sum(c.missing_rose for c in report.columns())
    tiles = [(f"{drifting:,}", "columns drift"), (f"{missing:,}", "with more missing")]
    if report.kind == "sidecar":
        active = sum(finding.active for finding in report.findings)
        tiles.append((f"{active:,}", "silent failures"))
    if found["insufficient"]:
        unknown = sum(c.state == "insufficient" for c in report.columns())
        tiles.append((f"{unknown:,}", "not judged yet"))
    tiles += tiles_of(report.traffic) if report.traffic else []
    return element(
        "ul",
        *(element("li", element("b", value), element("span", text)) for value, text in tiles),
        class_="tiles",
    )


def _model(report: Report, model: Model) -> Iterator[Markup | None]:
    yield element("h2", words.title_of(report, model))
    if model.reason:
        yield element("p", model.reason)
    yield _facts(report, model)
    drifting = [column for column in model.columns if column.state == "drift"]
    if drifting:
        yield element("h3", "What moved")
        yield moved_of(drifting)
        pictured = [column for column in drifting if column.picture or column.examples]
        for column in pictured[:MOST_PICTURES]:
            yield card_of(column)
        if len(pictured) > MOST_PICTURES:
            left = len(pictured) - MOST_PICTURES
            yield element("p", f"{left:,} more are in the table alone.", class_="soft")
    yield quality_of(model)
    yield predictions_of(model)
    yield all_of(model)
    yield _caveats("Caveats", model.caveats, "h3")


def _facts(report: Report, model: Model) -> Markup:
    facts: list[tuple[str, str]] = []
    found = model.reference
    if found is not None:
        source = f", {found.source}" if found.source else ""
        facts.append(("reference", f"{found.hash}, {counted(found.rows, 'row')}{source}"))
        age = "not known: its rows have no times"
        if found.ended is not None:
            lasted = words.lasting(max(0.0, report.made_at - found.ended))
            age = f"{lasted} (to {words.when(found.ended)})"
        if found.in_use_since is not None:
            age += f"; in use since {words.when(found.in_use_since)}"
        facts.append(("its age", age))
    if model.rows:
        facts.append(("compared with", counted(model.rows, "row")))
    if model.windows is not None:
        facts.append(("windows judged", f"{model.windows:,}"))
    if model.performance is not None:
        facts.append(("accuracy to expect", words.accuracy(model.performance)))
    if model.unexpected:
        facts.append(("not in the reference", ", ".join(model.unexpected[:20])))
    pairs = ((element("dt", name), element("dd", text)) for name, text in facts)
    return element("dl", *pairs, class_="facts")


def _caveats(title: str, caveats: Iterable[str], level: str) -> Markup | None:
    found = [element("li", text) for text in caveats]
    return joined(element(level, title), element("ul", *found, class_="plain")) if found else None


def _footer(report: Report) -> Markup:
    of = f"of {report.reference}"
    if report.kind != "sidecar":
        of = f"of {report.reference} (reference) and {report.current}"
    return element("footer", f"Made {words.when(report.made_at)} by {report.made_by}, {of}.")
