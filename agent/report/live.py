"""A report of a running sidecar: its own verdicts, as its admin port tells them.

Rule: judges nothing. What an older sidecar does not tell is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from agent.client import Sidecar, Unreachable
from agent.drift.derived.confidence import Performance
from agent.report.cleaned import Cleaner
from agent.report.content import (
    Column,
    Event,
    Example,
    Finding,
    Model,
    Pair,
    Past,
    Reference,
    Report,
    Traffic,
)
from agent.report.past import QUERY, Key, events_of, pasts_of
from agent.report.quality import rose, unseen_of
from agent.report.shapes import History, Overview, Picture, Predictions, checked

MOST_COLUMNS = 2000
"""Of all models that are reported, those furthest beyond their threshold first."""
LEFT_OUT = "{:,} of {:,} columns are left out: those nearest to their reference"

Json = dict[str, Any]


class Day(NamedTuple):
    """What the history tells."""

    pasts: Mapping[Key, Past]
    events: Sequence[Event]


def live_report(sidecar: Sidecar, made_at: float, made_by: str) -> Report:
    """What it says now. Raises Unreachable, also of answers that are not what they should be."""
    try:
        made = _report(sidecar, made_at, made_by)
        lines = Cleaner(is_redacted=True).lines(msgspec.to_builtins(made))
        return msgspec.convert(lines, Report)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as problem:
        why = f"not the answer of this version ({type(problem).__name__})"
        remedy = "report with the outrider that runs there"
        raise Unreachable(sidecar.url, why, remedy) from problem


def _report(sidecar: Sidecar, made_at: float, made_by: str) -> Report:
    clean = Cleaner(is_redacted=True)
    drift, status = sidecar.json("/api/v1/drift"), sidecar.json("/api/v1/status")
    if not isinstance(drift, dict) or not isinstance(status, dict) or "models" not in drift:
        raise Unreachable(sidecar.url, "is no admin port of Outrider", "wanted that of --admin")
    shown, left_out = _chosen(drift["models"])
    found = checked(sidecar.json("/api/v1/predictions"), Predictions)
    predictions = (found or {}).get("outputs", [])
    history = checked(sidecar.json("/api/v1/history", QUERY), History)
    events = events_of(history, clean)
    day = Day(pasts_of(history), events)
    models = [_model(sidecar, one, shown, predictions, clean, day) for one in drift["models"]]
    caveats = [clean.said(text) for text in [*drift.get("caveats", []), *status["caveats"]]]
    if left_out:
        caveats.append(LEFT_OUT.format(left_out, left_out + len(shown)))
    findings = status.get("quality", {}).get("findings", [])
    return Report(
        made_at=made_at,
        made_by=made_by,
        kind="sidecar",
        reference=clean.said(sidecar.url),
        current=clean.said(sidecar.url),
        models=models,
        findings=[_finding(one, clean) for one in findings],
        traffic=_traffic(status, checked(sidecar.json("/api/v1/overview"), Overview), clean),
        events=events,
        caveats=list(dict.fromkeys(caveats)),
    )


def _chosen(models: list[Json]) -> tuple[set[int], int]:
    """Ids of the columns that are told, and how many are not."""
    every = [column for one in models for column in [*one["columns"], *one.get("derived", [])]]
    every.sort(key=lambda column: (column["state"] != "drift", -_excess(column)))
    return {id(column) for column in every[:MOST_COLUMNS]}, max(0, len(every) - MOST_COLUMNS)


def _excess(column: Json) -> float:
    return (column.get("score") or 0.0) / (column.get("threshold") or 1.0)


def _model(
    sidecar: Sidecar,
    one: Json,
    shown: set[int],
    predictions: list[Json],
    clean: Cleaner,
    day: Day,
) -> Model:
    name = {"model": one["model"], "version": one["version"]}
    columns: list[Column] = []
    for is_derived, listed in ((False, one["columns"]), (True, one.get("derived", []))):
        for column in listed:
            if id(column) in shown:
                asked = name | {"side": column["side"], "name": column["name"]}
                picture = checked(sidecar.json("/api/v1/drift/column", asked), Picture)
                made = _column(column, picture, clean, is_derived=is_derived)
                if made.state == "drift":
                    key = one["model"], one["version"], column["side"], column["name"]
                    made = msgspec.structs.replace(made, past=day.pasts.get(key))
                columns.append(made)
    columns.sort(key=lambda column: (column.state != "drift", -column.excess))
    own = [p for p in predictions if (p["model"], p["version"]) == (one["model"], one["version"])]
    learning = one.get("learning") or {}
    told = [learning.get("told"), (one.get("period") or {}).get("told")]
    return Model(
        name=clean.title(one["model"]),
        version=clean.title(one["version"]),
        state=one["state"],
        phase=clean.said(one["phase"]),
        reason=clean.said(one.get("reason") or _learning(learning)),
        reference=_reference(sidecar, one, clean, day.events),
        rows=max((column.rows for column in columns), default=0),
        windows=one.get("windows_judged"),
        columns=columns,
        unexpected=[clean.name(column["name"]) for column in one.get("unexpected", [])],
        caveats=[clean.said(text) for text in [*one.get("caveats", []), *told] if text],
        performance=checked(one.get("performance"), Performance),
        predictions=[clean.page(one) for one in own],
    )


def _learning(learning: Json) -> str:
    if not learning:
        return ""
    return f"learning what is normal: {learning['rows']:,} of {learning['of']:,} rows have come"


def _column(column: Json, asked: Json | None, clean: Cleaner, *, is_derived: bool) -> Column:
    picture = None
    missing, invalid = Pair(now=column.get("missing")), Pair(now=column.get("invalid"))
    lacks = unseen = None
    if asked is not None:
        keys = ("bins", "measure", "rows", "now_rows", "now_of", "quantiles")
        has_names = column["kind"] == "categorical"
        picture = clean.picture({key: asked.get(key) for key in keys}, has_names=has_names)
        rows = asked["rows"], asked["now_rows"]
        missing, invalid = Pair(**asked["missing"]), Pair(**asked["invalid"])
        lacks = any(rose(p.reference or 0.0, p.now or 0.0, *rows) for p in (missing, invalid))
        unseen = unseen_of(asked["bins"])
    share = column.get("share")
    finding = column.get("finding") or ""
    return Column(
        name=clean.name(column["name"]),
        side=column["side"],
        kind=column["kind"],
        state=column["state"],
        hashed=column.get("hashed", False),
        derived=is_derived,
        acknowledged=column.get("acknowledged") is not None,
        since=column.get("since"),
        test=clean.name(column.get("test")),
        direction=column.get("direction") or "",
        effect=column.get("effect"),
        score=column.get("score"),
        threshold=column.get("threshold"),
        p_value=column.get("p_value"),
        share=Pair(share["reference"], share["now"]) if share else None,
        psi=column.get("psi"),
        rows=column.get("rows") or 0,
        missing=missing,
        invalid=invalid,
        unseen=unseen,
        missing_rose=bool(lacks or finding) and not is_derived,
        note=clean.said(finding or column.get("reason") or ""),
        examples=[_example(one, clean) for one in column.get("examples", [])],
        picture=picture,
    )


def _example(one: Json, clean: Cleaner) -> Example:
    trace = one.get("trace_id")
    return Example(
        clean.name(one["request_id"]), clean.name(trace) if trace else None, clean.name(one["bin"])
    )


def _reference(
    sidecar: Sidecar, one: Json, clean: Cleaner, events: Sequence[Event]
) -> Reference | None:
    found = one.get("reference")
    if not found:
        return None
    published = found.get("published") or {}
    ended = published.get("at")
    if ended is None:
        asked = {"model": one["model"], "version": one["version"]}
        profile = sidecar.json("/api/v1/reference", asked) or {}
        ended = (profile.get("period") or {}).get("ended")
    version = clean.title(found.get("version"))
    begun = (e.at for e in events if e.kind == "reference" and found["hash"] in e.text)
    since = max(begun, default=None)
    return Reference(found["hash"], found["rows"], found["source"], ended, version, since)


def _finding(one: Json, clean: Cleaner) -> Finding:
    return Finding(
        clean.title(one["model"]),
        clean.title(one.get("version", "")),
        one["finding"],
        one["active"],
        one["since"],
        one["requests"],
        one["share"],
        clean.name(one["where"]),
        clean.name(one["example"]),
        clean.said(one["means"]),
        clean.said(one["do"]),
    )


def _traffic(status: Json, overview: Json | None, clean: Cleaner) -> Traffic:
    requests, records = status["requests"], status["records"]
    overview = overview or {}
    spans = {name: overview[name] for name in ("now", "day") if overview.get(name)}
    return Traffic(
        requests["total"],
        requests["by_status"],
        status.get("uptime_seconds"),
        clean.page(spans),
        clean.page(overview.get("routes") or []),
        sum(records["dropped"].values()),
        [clean.name(sink["name"]) for sink in status.get("sinks", []) if sink.get("away")],
        clean.page(overview.get("load") or {}),
    )
