"""What is checked, each by itself: a sentence if it is well, else what is wrong and what to do.

Rule: reads, and changes nothing; a check that cannot ask has failed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from agent.client import Answer, Sidecar, Unreachable
from agent.drift.engine.layout import counted, cut, percent

MOST = 300
"""Characters of a sentence: names in it come from clients."""
FAMILIES = (
    "outrider_build_info",
    "outrider_records",
    "outrider_upstream_up",
    "http_server_request_duration_seconds",
)
"""Of `/metrics`, there from the start."""
LOST = 0.01
"""Share of the records that may be lost: above it verdicts carry a caveat."""
TOLD = 5
"""Columns that are named."""

Json = Mapping[str, Any]


class Result(Struct, frozen=True):
    """Of one check."""

    check: str
    ok: bool
    text: str
    remedy: str = ""


class Ports(NamedTuple):
    """Whom to ask, and how strictly."""

    admin: Sidecar
    health: Sidecar
    needs_verdicts: bool = False


def well(check: str, text: str) -> Result:
    """It is well."""
    return Result(check, True, cut(text, MOST))


def ill(check: str, text: str, remedy: str) -> Result:
    """It is not."""
    return Result(check, False, cut(text, MOST), cut(remedy, MOST))


def looked(name: str, ports: Ports) -> Result:
    """One check by its name."""
    try:
        return CHECKS[name](ports)
    except Unreachable as problem:
        return ill(name, f"{problem.where}: {problem.why}", problem.remedy)
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        text = f"{ports.admin.url}: not the answer of this version ({problem!r:.60})"
        return ill(name, text, "check with the outrider that runs there")


def _health(ports: Ports) -> Result:
    answer = ports.health.get("/healthz")
    if answer.status != 200:
        text = f"{ports.health.url}/healthz answered {answer.status}"
        return ill("health", text, "is --health that of Outrider? look at its log")
    return well("health", f"the worker serves; observer {_body(answer).get('observer', 'ok')}")


def _ready(ports: Ports) -> Result:
    answer = ports.health.get("/readyz")
    body = _body(answer)
    if answer.status == 200:
        return well("ready", "the model server takes connections")
    if body.get("draining"):
        return ill("ready", "it drains: it is about to end", "wait for its successor")
    upstream = body.get("upstream", "unknown")
    text = f"answered {answer.status}: the model server is {upstream}"
    return ill("ready", text, "start the model server, or mend --upstream")


def _body(answer: Answer) -> Json:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _metrics(ports: Ports) -> Result:
    answer = ports.admin.get("/metrics")
    if answer.status != 200:
        text = f"/metrics answered {answer.status}"
        return ill("metrics", text, "look at the sidecar's log")
    try:
        families = [*text_string_to_metric_families(answer.body.decode())]
    except (ValueError, KeyError, IndexError) as problem:
        text = f"/metrics is no exposition of Prometheus: {problem}"
        return ill("metrics", text, "is --admin that of Outrider?")
    names = {family.name for family in families}
    if lacking := [name for name in FAMILIES if name not in names]:
        text = f"/metrics lacks {', '.join(lacking)}"
        return ill("metrics", text, "is --admin that of Outrider?")
    samples = sum(len(family.samples) for family in families)
    return well("metrics", f"{counted(samples, 'sample')} in {len(families)} families")


def _drift(ports: Ports) -> Result:
    page = _page(ports, "/api/v1/drift")
    if refused := page["refused"]:
        text = f"the reference {refused[0]['source']} is not used: {refused[0]['reason']}"
        return ill("drift", text, "build it again with `outrider profile build`")
    columns = [(m, c) for m in page["models"] for c in [*m["columns"], *m.get("derived", [])]]
    drifting = [c["name"] for _, c in columns if c["state"] == "drift" and not c["acknowledged"]]
    if drifting:
        more = f" and {len(drifting) - TOLD} more" if len(drifting) > TOLD else ""
        text = f"{counted(len(drifting), 'column')} of {len(columns):,}: "
        text += ", ".join(cut(name, 60) for name in drifting[:TOLD]) + more
        remedy = "look at `outrider report`; then retrain, mend the data, or acknowledge it"
        return ill("drift", text, remedy)
    judged = sum(c["state"] == "stable" for _, c in columns)
    waiting = [m for m in page["models"] if m["state"] == "insufficient"]
    told = f"no drift in {counted(judged, 'column')}" if judged else "nothing is judged yet"
    if waiting:
        told += f"; {', '.join(_waiting(model) for model in waiting[:TOLD])}"
    if ports.needs_verdicts and (waiting or not judged):
        return ill("drift", told, "send more traffic, or give a reference (drift.reference)")
    return well("drift", told)


def _waiting(model: Json) -> str:
    learning = model.get("learning")
    name = cut(" ".join(filter(None, (model["model"], model["version"]))), 60) or "the model"
    if learning:
        return f"{name} learns, {learning['rows']:,} of {learning['of']:,} rows"
    return f"{name}: {model.get('reason') or 'too few rows yet'}"


def _logs(ports: Ports) -> Result:
    page = _page(ports, "/api/v1/status")
    records, sinks = page["records"], page["sinks"]
    if away := [sink for sink in sinks if sink["away"]]:
        text = "; ".join(f"{sink['name']} is away: {sink['away']}" for sink in away)
        return ill("logs", text, "is the sink up, and are its URL and credentials right?")
    observed, finished = records["observed"], records["finished"]
    lost = sum(records["dropped"].values())
    if observed and not finished:
        text = f"none of {counted(observed, 'record')} came to its end"
        return ill("logs", text, "look at the sidecar's log; does the observer run?")
    if lost > LOST * observed:
        share = percent(lost / max(1, observed))
        text = f"{counted(lost, 'record')} of {observed:,} were lost ({share})"
        return ill("logs", text, "give the observer more CPU, or sample (observe, capture)")
    if records["shed"] in ("logs", "spans"):
        text = f"under load it leaves out {records['shed']}"
        return ill("logs", text, "give the observer more CPU, or sample (observe, capture)")
    names = ", ".join(sink["name"] for sink in sinks) or "no sink"
    return well("logs", f"{counted(finished, 'record')} finished; {names}")


def _page(ports: Ports, path: str) -> Json:
    page = ports.admin.json(path)
    if not isinstance(page, dict):
        remedy = "is --admin that of Outrider?"
        raise Unreachable(f"{ports.admin.url}{path}", "is not there", remedy)
    return page


CHECKS: dict[str, Callable[[Ports], Result]] = {
    "health": _health,
    "ready": _ready,
    "metrics": _metrics,
    "drift": _drift,
    "logs": _logs,
}
