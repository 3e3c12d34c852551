"""Who was told is not told again because a process of ours ended and another goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Outrider, eventually, free_ports, get
from tests.ship.receivers import HttpReceiver, http_receiver
from tests.ship.sinks import run

NAME = "ModelErrorBudgetBurnFast"


def ringing(receiver: HttpReceiver, **more: Any) -> Outrider:
    """One whose model server is not there: six requests fail, and that is told."""
    to = {"ops": {"type": "slack", "url": receiver.url}}
    settings = {"alerts": {"to": to, "group": "0s"}, "logs": {"stdout": False}, **more}
    proxy = Outrider(f"http://127.0.0.1:{free_ports(1)[0]}", settings, ready="/healthz")
    eventually(lambda: status(proxy), "a first look", 30)
    for _ in range(6):
        assert get(proxy.address, "/v1/models/m:predict").status == 502
    eventually(lambda: receiver.requests, "a message", 30)
    kept = Path(status(proxy)["kept_in"])

    def is_kept() -> bool:
        return kept.exists() and json.loads(kept.read_bytes())["told"]["ops"]["told"] != []

    eventually(is_kept, "what was told to be kept")
    return proxy


def status(proxy: Outrider) -> dict[str, Any]:
    """Of alerts; empty while nobody answers, or before the first look."""
    try:
        return get(proxy.admin, "/api/v1/status").json()["alerts"] or {}
    except OSError:
        return {}


def rings(proxy: Outrider) -> bool:
    return [one["name"] for one in status(proxy).get("firing", ())] == [NAME]


def told_once(work: Callable[[HttpReceiver], None]) -> None:
    async def go() -> None:
        async with http_receiver() as receiver:
            await asyncio.to_thread(work, receiver)
            [came] = receiver.requests
            assert json.loads(came.body)["text"].startswith("*critical: 100 % of the requests fail")

    run(go())


@pytest.mark.slow
def test_an_observer_that_was_killed() -> None:
    def work(receiver: HttpReceiver) -> None:
        with ringing(receiver) as proxy:
            os.kill(proxy.pid("observer"), signal.SIGKILL)
            restarts = "outrider_process_restarts_total"
            eventually(lambda: proxy.metric(restarts, process="observer") == 1, "a new one", 30)
            eventually(lambda: rings(proxy), "it to know what fires", 30)

    told_once(work)


@pytest.mark.slow
def test_a_generation_that_takes_over(tmp_path: Path) -> None:
    def work(receiver: HttpReceiver) -> None:
        with ringing(receiver, state_dir=str(tmp_path)) as old:
            more = {"args": ["--takeover"], "ports": old.ports, "ready": "/healthz"}
            with Outrider(old.upstream, old.settings, **more) as new:
                assert old.process.wait(30) == 0
                eventually(lambda: rings(new), "it to know what fires", 30)

    told_once(work)
