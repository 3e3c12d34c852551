"""Alerts to Prometheus Alertmanager, by its API v2.

Rule: an alert is sent again well before its `endsAt`, as Prometheus does, so that one whose sidecar
is gone ends by itself; one that is over is sent with the time of its end. Grouping, repeating and
silencing are Alertmanager's.

Source: Alertmanager, api/v2/openapi.yaml (POST /alerts); Prometheus, notifier.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from agent.alerts.destination import outcome_of, unreached
from agent.alerts.messages import MAX_TEXT, MAX_TITLE, Source, plain, runbook
from agent.alerts.telling import Item, Pace
from agent.ship.http import NETWORK_ERRORS, Poster
from agent.ship.outcome import Outcome

AGAIN = 60.0
"""Seconds between two sendings of what fires: reminders come at twice that at the latest."""
PACE = Pace(repeat=AGAIN)
LASTS = 4 * AGAIN
"""Seconds that a sending is good for."""
MAX_LABEL = 256
"""Characters of a label's value."""
_NAME = re.compile(r"[^a-zA-Z0-9_]")


class Alertmanager:
    """One Alertmanager."""

    def __init__(
        self, url: str, token: str | None, labels: Mapping[str, str], source: Source, agent: str
    ) -> None:
        """`url`: without the path of the API; `labels`: more of them."""
        headers = {"Content-Type": "application/json", "User-Agent": agent}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._poster = Poster(f"{url.rstrip('/')}/api/v2/alerts", headers)
        self._labels = {_NAME.sub("_", name): text for name, text in labels.items()}
        self._source = source

    async def push(self, items: Sequence[Item], now: float) -> Outcome:
        """All of them in one request."""
        alerts = [self._alert(item, now) for item in items]
        try:
            answer = await self._poster.post(msgspec.json.encode(alerts))
        except NETWORK_ERRORS as error:
            return unreached(error)
        return outcome_of(answer, time.time())

    async def close(self) -> None:
        await self._poster.close()

    def _alert(self, item: Item, now: float) -> dict[str, object]:
        source = self._source
        labels = {"service": source.service, "instance": source.instance} | self._labels
        labels |= {_NAME.sub("_", name): text for name, text in item.labels}
        labels |= {"alertname": item.name, "severity": item.severity}
        notes = {
            "summary": plain(item.summary, MAX_TITLE),
            "description": plain(item.description, MAX_TEXT),
        }
        if url := runbook(item.name, source):
            notes["runbook_url"] = url
        return {
            "labels": {name: plain(text, MAX_LABEL) for name, text in labels.items() if text},
            "annotations": notes,
            "startsAt": _time(item.fired),
            "endsAt": _time(now + LASTS if item.ended is None else item.ended),
            **({"generatorURL": source.page} if source.page else {}),
        }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
