"""What to do next, while a page has little to show: in one step, with what it is known by.

Rule: the first thing that stands in the way and no other; nothing that could be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.config import Config
from agent.drift.traffic.model import ModelWatch
from agent.observer.decodes import DECODED

Route = Mapping[str, Any]

SETTINGS = {
    "unsupported": "if it is a model's route, say how its bodies are read: routes: [{path: …, "
    "dialect: …}] (docs/formats.md has the dialects); outrider decode explains a body in a file",
    "malformed": "look at what the client sends: the body is not what its Content-Type says; "
    "outrider decode explains a body in a file",
    "too_large": "raise capture.max_body_bytes: of longer bodies only both ends are copied",
    "empty": "there was no body to decode; requests for predictions have one",
    "inputs_only": "the inputs were decoded and the answer was not: look at the answer",
    "error_status": "the model server answers with errors: look at its log",
    "not_captured_unsampled": "raise capture.sample_ratio: these bodies were not copied",
    "not_captured_budget": "raise capture.budget: there was no memory left for copies",
    "not_captured_off": "set observe: all: bodies are not copied",
}
"""By what became of a payload."""


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
    return {
        "kind": "no_traffic",
        "title": "No request has come through yet",
        "text": f"Send the model's requests to {url} instead of {config.upstream}: each is handed "
        "on unchanged. To try it:",
        "command": f"curl -i{' -k' if config.tls.cert else ''} {url}/",
        "evidence": None,
    }


def address(config: Config) -> str:
    """Where a client on this machine finds the proxied port."""
    host = config.listen.host
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if config.tls.cert else 'http'}://{shown}:{config.listen.port}"


def _not_observed(config: Config) -> dict[str, Any]:
    return {
        "kind": "not_decoded",
        "title": "Payloads are not looked at",
        "text": f"observe is {config.observe}: with all you see columns and drift.",
        "evidence": None,
    }


def _not_decoded(routes: Sequence[Route]) -> dict[str, Any] | None:
    if not routes:
        return None  # none has been looked at yet
    refused = [route for route in routes if route["last_refused"] is not None]
    route = max(refused, key=lambda one: one["last_refused"]["at"]) if refused else routes[0]
    last = route["last_refused"] or {}
    outcome = last.get("outcome") or next(iter(route["not_decoded"]), "")
    because = f" ({last['why']})" if last.get("why") else ""
    return {
        "kind": "not_decoded",
        "title": "Requests come through, but no payload could be decoded",
        "text": f"On {route['route']} the last one was {outcome.replace('_', ' ')}{because}: "
        f"{SETTINGS.get(outcome, 'see docs/formats.md')}.",
        "evidence": {"route": route["route"], "not_decoded": route["not_decoded"], **last},
    }


def _learning(models: Sequence[ModelWatch]) -> dict[str, Any] | None:
    for model in models:
        of = model.settings.learn_rows
        if model.phase == "learning" and of:
            rows = model.inputs.rows
            return {
                "kind": "learning",
                "title": f"Learning what is normal of {model.key.told()}",
                "text": f"{rows} of {of} rows have come; then each window is judged by them. "
                "If today is not normal, give a reference: outrider profile build.",
                "evidence": {"model": model.name, "version": model.version, "rows": rows, "of": of},
            }
    return None


def _no_reference(models: Sequence[ModelWatch]) -> dict[str, Any] | None:
    unwatched = [model for model in models if model.phase == "unwatched"]
    if not unwatched or len(unwatched) < len(models):
        return None
    model = unwatched[0]
    return {
        "kind": "no_reference",
        "title": f"There is no reference for {model.key.told()}",
        "text": f"{model.reason or 'none was given'}. Build one of the data that it was trained on "
        "or of yesterday's requests, and give it with --reference:",
        "command": "outrider profile build data.parquet -o reference.json",
        "evidence": {"model": model.name, "version": model.version, "why": model.reason},
    }
