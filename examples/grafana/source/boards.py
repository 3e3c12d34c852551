"""All dashboards, and the text that Grafana reads."""

from __future__ import annotations

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from examples.grafana.source import fleet, model, service

MADE = {"service": service.made, "model": model.made, "fleet": fleet.made}


def encoded() -> dict[str, str]:
    """Of each dashboard its JSON, by the name of its file."""
    return {name: text(made()) for name, made in MADE.items()}


def text(of: Dashboard) -> str:
    """With keys in order, so that a change shows as what it is."""
    return json.dumps(of, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
