"""Alerts to tell, as tests need them."""

from __future__ import annotations

from typing import Any

from agent.alerts.messages import Source
from agent.alerts.telling import Item, Kind

SOURCE = Source("outrider", "host-1:8901", "http://model-1:8901", "https://wiki.test/runbooks/")


def item(kind: Kind = Kind.FIRING, column: str = "age", **more: Any) -> Item:
    """One of drift, of a column."""
    is_over = kind in (Kind.OVER, Kind.WAS)
    made = Item(
        kind=kind,
        key=("ModelInputDrift", "column", column),
        number=1,
        name="ModelInputDrift",
        severity="warning",
        labels=(("model", "churn"), ("side", "input"), ("column", column)),
        summary=f"Input {column} of churn drifts",
        description="By 3 standard deviations",
        fired=1_700_000_000.0,
        ended=1_700_000_100.0 if is_over else None,
    )
    return made._replace(**more)
