"""What to do next, while a page has little to show: in one step, with what it is known by.

Rule: the first thing that stands in the way and no other; nothing that could be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.config import Config
from agent.drift.traffic.model import ModelWatch
from agent.observer.decodes import DECODED
from agent.observer.parts import Parts

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


def next_step(parts: Parts) -> dict[str, Any] | None:
    """None where there is nothing to be done."""
    models = [*parts.monitor.models.values()]
    counted = sum(sum(histogram.counts) for histogram in parts.ledger.series().values())
    if not counted:
        return _no_traffic(parts.config)
    if not any(outcome in DECODED for _, outcome in parts.pipeline.decoded.totals()):
        return _not_decoded(parts)
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


def _not_decoded(parts: Parts) -> dict[str, Any] | None:
    if parts.config.observe != "all":
        return {
            "kind": "not_decoded",
            "title": "Payloads are not looked at",
            "text": f"observe is {parts.config.observe}: with all you see columns and drift.",
            "evidence": None,
        }
    routes = parts.redactor.page(parts.pipeline.decoded.status())
    refused = [route for route in routes if route["last_refused"] is not None]
    if not routes:
        return None  # none has been looked at yet
    if refused:
        route = max(refused, key=lambda one: one["last_refused"]["at"])
        last = route["last_refused"]
        why, outcome = last["why"], last["outcome"]
    else:
        route, last = routes[0], None
        outcome = next(iter(route["not_decoded"]), "")
        why = ""
    because = f" ({why})" if why else ""
    return {
        "kind": "not_decoded",
        "title": "Requests come through, but no payload could be decoded",
        "text": f"On {route['route']} the last one was {outcome.replace('_', ' ')}{because}: "
        f"{SETTINGS.get(outcome, 'see docs/formats.md')}.",
        "evidence": {"route": route["route"]} | (last or {"not_decoded": route["not_decoded"]}),
    }


def _learning(models: Iterable[ModelWatch]) -> dict[str, Any] | None:
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


def _no_reference(models: list[ModelWatch]) -> dict[str, Any] | None:
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
