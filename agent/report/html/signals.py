"""What is no column in a report's page: predictions, silent failures, traffic."""

from __future__ import annotations

from collections.abc import Sequence

from agent.drift.engine.layout import counted, number, percent
from agent.report import words
from agent.report.content import Event, Finding, Model, Traffic
from agent.report.html.columns import tag
from agent.report.html.markup import Markup, element, joined, table
from agent.report.html.picture import drawn
from agent.report.signals import load_of, rows_of

MOST_PREDICTIONS = 8
"""Outputs that are drawn."""


def predictions_of(model: Model) -> Markup | None:
    shown = [one for one in model.predictions if one["bins"]][:MOST_PREDICTIONS]
    if not shown:
        return None
    cards = []
    for one in shown:
        bins = [
            {
                "bin": part.get("label") or _range(part.get("low"), part.get("high")),
                "kind": "category" if "label" in part else "range",
                "low": part.get("low"),
                "high": part.get("high"),
                "reference": part["reference"] or 0.0,
                "now": part["now"],
                "moved": 0,
            }
            for part in one["bins"]
        ]
        mean = "" if one["mean"] is None else f", mean {number(one['mean'])}"
        text = f"{one['kind']}, {counted(one['rows'], 'row')}{mean}, {one['of']}"
        head = element("header", element("h4", one["output"]), element("span", text, class_="soft"))
        picture = (
            drawn({"bins": bins}, f"{one['output']}: {one['kind']} of the predictions")
            if one["rows"]
            else element("p", "No row came lately.", class_="soft")
        )
        cards.append(element("section", head, picture, class_="card"))
    return joined(
        element("h3", "Predictions and confidence"), element("div", *cards, class_="grid")
    )


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return "any number" if high is None else f"≤ {number(high)}"
    if high is None:
        return f"> {number(low)}"
    return f"= {number(low)}" if low == high else f"{number(low)} to {number(high)}"


def findings_of(findings: Sequence[Finding]) -> Markup | None:
    if not findings:
        return None
    rows = [
        (
            words.titled(one.model, one.version),
            joined(
                tag("now" if one.active else "over", "drift" if one.active else "stable"),
                " ",
                one.means,
            ),
            f"{one.requests:,}",
            words.written(one.since),
            joined(element("code", one.example) if one.example else None),
            one.do,
        )
        for one in findings
    ]
    head = ["model", "what", "requests", "since", "example", "what to do"]
    return joined(element("h2", "Silent failures"), table("Silent failures", head, rows, "<<>"))


def traffic_of(traffic: Traffic | None) -> Markup | None:
    if traffic is None:
        return None
    head, rows = rows_of(traffic)
    by_status = (f"{count:,} with {status}" for status, count in traffic.by_status.items())
    statuses = f", {', '.join(by_status)}" if traffic.by_status else ""
    since = ""
    if traffic.uptime_seconds is not None:
        since = f" in {words.lasting(traffic.uptime_seconds)}"
    lines = [element("p", f"{counted(traffic.requests, 'request')}{since}{statuses}.")]
    if traffic.lost:
        lines.append(
            element("p", f"{traffic.lost:,} records were lost before they were looked at.")
        )
    if traffic.sinks_away:
        away = ", ".join(traffic.sinks_away)
        lines.append(element("p", f"Not reached: {away}."))
    if load := load_of(traffic):
        lines.append(element("p", f"Load on the model: {load}."))
    signals = table("Traffic", head, rows, "<>>>>>>>") if rows else None
    return joined(element("h2", "Traffic"), lines, signals, _routes(traffic))


def _routes(traffic: Traffic) -> Markup | None:
    if not traffic.routes:
        return None
    rows = [
        (
            str(one.get("route", "")),
            str(one.get("model") or ""),
            f"{one.get('requests') or 0:,}",
            percent(float(one.get("error_ratio") or 0.0)),
            _ms(one.get("p50_ms")),
            _ms(one.get("p99_ms")),
        )
        for one in traffic.routes
    ]
    return table("Routes", ["route", "model", "requests", "errors", "p50", "p99"], rows, "<<>>>>")


def events_of(events: Sequence[Event]) -> Markup | None:
    """What happened in the last day."""
    if not events:
        return None
    rows = [(words.when(one.at), one.kind, one.text) for one in events]
    timeline = table("The last day", ["when", "what", "how"], rows)
    return joined(element("h2", "What happened in the last day"), timeline)


def _ms(value: object) -> str:
    return f"{number(float(value))} ms" if isinstance(value, int | float) else ""
