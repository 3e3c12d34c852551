"""What to do next, while a page has little to show: in one step, with what it is known by.

Rule: the first thing that stands in the way and no other; nothing that could be wrong.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from agent.config import Config
from agent.drift.traffic.model import ModelWatch
from agent.observer.decodes import DECODED

Route = Mapping[str, Any]

EXPLAIN = "Of a body in a file this says what it is, and why it cannot be read:"
HELP: Mapping[str, tuple[str, ...]] = {
    "unsupported": (
        "If it is a model's route, say in the settings how its bodies are read, for example:",
        "  routes: [{path: PATH, dialect: csv}]",
        "docs/formats.md has all dialects. " + EXPLAIN,
        "outrider decode BODY --path PATH",
    ),
    "malformed": (
        "The body is damaged, or not what its Content-Type says. " + EXPLAIN,
        "outrider decode BODY --path PATH",
    ),
    "too_large": (
        "Of longer bodies only both ends are copied. To copy more:",
        "  capture: {max_body_bytes: 8MiB}",
    ),
    "inputs_only": (
        "The requests are read, their answers are not. docs/formats.md says which are; where the "
        "outputs stand in an answer can be set, for example:",
        "  routes: [{path: PATH, dialect: tabular, outputs: $.labels}]",
    ),
    "empty": ("There was no body to decode: requests for predictions have one.",),
    "error_status": ("The model server answers with errors: its log says why.",),
    "not_captured_unsampled": (
        "Bodies are copied of a part of the requests only. To copy all:",
        "  capture: {sample_ratio: 1}",
    ),
    "not_captured_budget": (
        "There was no memory left for copies. To have more:",
        "  capture: {budget: 64MiB}",
    ),
    "not_captured_off": ("Bodies are not copied. To copy them:", "  observe: all"),
}
"""By what became of a payload. Lines: settings begin with two spaces, commands with their name."""


BUILD = (
    "outrider profile build DATA -o reference.json",
    "outrider run --reference reference.json",
)


def next_step(
    config: Config, requests: int, routes: Sequence[Route], models: Sequence[ModelWatch]
) -> dict[str, Any] | None:
    """None where there is nothing to be done. `requests` have been counted; `routes` are what
    `Decodes.status` says, redacted."""
    if not requests:
        return _no_traffic(config)
    if config.observe != "all":
        return _not_observed(config)
    outcomes = {name for route in routes for one in route["dialects"] for name in one["outcomes"]}
    if not outcomes & DECODED:
        return _not_decoded(routes)
    return _learning(models) or _no_reference(models)


def _no_traffic(config: Config) -> dict[str, Any]:
    url = address(config)
    lines = [
        f"Send the model's requests to {url} instead of {config.upstream}: each is handed on "
        "unchanged. To see that it is there:",
        f"curl -i{' -k' if config.tls.cert else ''} {shlex.quote(url + '/')}",
    ]
    if not config.listen.port:
        lines = ["Send the model's requests to the port that Outrider's log names: it was chosen."]
    return _step("no_traffic", "No request has come through yet", lines)


def _step(kind: str, title: str, lines: Sequence[str], evidence: Any = None) -> dict[str, Any]:
    return {"kind": kind, "title": title, "text": "\n".join(lines), "evidence": evidence}


def address(config: Config) -> str:
    """Where a client on this machine finds the proxied port."""
    host = config.listen.host
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if config.tls.cert else 'http'}://{shown}:{config.listen.port}"


def _not_observed(config: Config) -> dict[str, Any]:
    lines = [f"observe is {config.observe}. To see columns and drift:", "  observe: all"]
    return _step("not_decoded", "Payloads are not looked at", lines)


def _not_decoded(routes: Sequence[Route]) -> dict[str, Any] | None:
    if not routes:
        return None  # none has been looked at yet
    refused = [route for route in routes if route["last_refused"] is not None]
    route = max(refused, key=lambda one: one["last_refused"]["at"]) if refused else routes[0]
    path, last = route["route"], route["last_refused"] or {}
    outcome = last.get("outcome") or next(iter(route["not_decoded"]), "")
    because = f" ({last['why']})" if last.get("why") else ""
    said = "answered with an error" if outcome == "error_status" else outcome.replace("_", " ")
    lines = [f"On {path} the last one was {said}{because}."]
    lines += advice(outcome, path)
    evidence = {"route": path, "not_decoded": route["not_decoded"], **last}
    title = "Requests come through, but no payload could be decoded"
    return _step("not_decoded", title, lines, evidence)


def advice(outcome: str, path: str) -> list[str]:
    """What helps where payloads of a path have this outcome. Lines as in `HELP`."""
    return [
        line.replace("PATH", json.dumps(path) if line.startswith(" ") else shlex.quote(path))
        for line in HELP.get(outcome, ("docs/formats.md says what can be decoded.",))
    ]


def _learning(models: Sequence[ModelWatch]) -> dict[str, Any] | None:
    for model in models:
        of, rows = model.settings.learn_rows, model.inputs.rows
        if model.phase == "learning" and of:
            lines = [
                f"{rows:,} of {of:,} rows have come; from then on traffic is judged by them. If "
                "today's traffic is not normal, build the reference from data that are, and run "
                "with it:",
                *BUILD,
            ]
            evidence = {"model": model.name, "version": model.version, "rows": rows, "of": of}
            title = f"Learning what is normal for {model.key.told()}"
            return _step("learning", title, lines, evidence)
    return None


def _no_reference(models: Sequence[ModelWatch]) -> dict[str, Any] | None:
    if not models or any(model.phase != "unwatched" for model in models):
        return None
    model = models[0]
    why = model.reason or "none was given and learning is off"
    lines = [
        f"There is none: {why}. Build one of the data that the model was trained on, or of "
        "yesterday's requests, and run with it:",
        *BUILD,
    ]
    evidence = {"model": model.name, "version": model.version, "why": model.reason}
    return _step("no_reference", f"No reference to judge {model.key.told()} by", lines, evidence)
