"""The whole way of an alarm: traffic, the sidecar, Prometheus with the shipped rules, Alertmanager
with its shipped settings, and the webhook that wakes somebody; and that it is over.

A minute of the rules is a second here.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from agent.demo.rows import SHIFT, draw, load, shifted
from tests.grafana.prometheus import Prometheus, prometheus
from tests.harness import Outrider, eventually, free_ports, get
from tests.prometheus import faster
from tests.ship.receivers import HttpReceiver, http_receiver
from tests.ship.sinks import run, until

SETTINGS = {
    "drift": {
        "reference": {"learn": {"rows": 500}},
        "window": {"rows": 100, "seconds": "1h"},
        "false_alarms": "1 per 1h",
    },
    "logs": {"stdout": False},
}
LINKS = {"outrider_docs": "https://docs.test", "grafana": "https://grafana.test"}


class Model:
    """Says what a wine is by its alcohol; fails if told so. Clients ask for ever."""

    def __init__(self) -> None:
        self.fails = self.fails_silently = self.shifts = self.weak = False

    async def predict(self, request: web.Request) -> web.Response:
        if self.fails:
            return web.json_response({"error": "CUDA out of memory"}, status=500)
        if self.fails_silently:
            return web.json_response({"error": "CUDA out of memory"})
        [row] = (await request.json())["instances"]
        return web.json_response({"predictions": [{"strong": row["alcohol"] > 13}]})

    async def ask(self, url: str, seed: int) -> None:
        async with aiohttp.ClientSession() as session:
            for row in draw(load(), seed):
                if self.shifts:
                    row = shifted(row)
                if self.weak:
                    row = {**row, "alcohol": row["alcohol"] - 1}
                body = {"instances": [row]}
                async with session.post(f"{url}/v1/models/wine:predict", json=body) as got:
                    await got.read()
                await asyncio.sleep(0.002)  # some hundred requests a second, and CPU for others


@asynccontextmanager
async def serving(model: Model) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{tail:.*}", model.predict)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(model: Model, url: str) -> AsyncIterator[None]:
    clients = [asyncio.create_task(model.ask(url, seed)) for seed in range(3)]
    try:
        yield
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@contextmanager
def alertmanager(config: Path, folder: Path) -> Iterator[str]:
    """Its address."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    log = folder / "alertmanager.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        host, _, port = address.partition(":")
        try:
            return get((host, int(port)), "/-/ready").status == 200
        except OSError:
            return False

    try:
        eventually(is_ready, "Alertmanager to be ready", 30)
        yield address
    finally:
        process.terminate()
        process.wait()


class Webhook:
    """What arrived of an alert."""

    def __init__(self, receiver: HttpReceiver) -> None:
        self._receiver = receiver

    def alerts(self, name: str, status: str, **labels: str) -> list[dict[str, Any]]:
        """The newest last; each with the receiver that it came to under `path`."""
        return [
            {**alert, "path": request.path}
            for request in self._receiver.requests
            for alert in json.loads(request.body)["alerts"]
            if alert["labels"]["alertname"] == name
            and alert["status"] == status
            and labels.items() <= alert["labels"].items()
        ]

    def said(self) -> set[str]:
        bodies = (json.loads(request.body) for request in self._receiver.requests)
        return {alert["labels"]["alertname"] for body in bodies for alert in body["alerts"]}


@pytest.mark.slow
@pytest.mark.needs("prometheus", "prometheus-alertmanager")
def test_an_alarm_arrives_and_resolves(tmp_path: Path) -> None:
    run(_whole_way(tmp_path), 120)  # half a minute, on a machine that does nothing else


async def _whole_way(folder: Path) -> None:
    model = Model()
    async with AsyncExitStack() as stack:

        async def enter(made: Any) -> Any:
            return await asyncio.to_thread(stack.enter_context, made)

        receiver = await stack.enter_async_context(http_receiver())
        webhook = Webhook(receiver)
        url = await stack.enter_async_context(serving(model))
        outrider = await enter(await asyncio.to_thread(Outrider, url, SETTINGS))
        told = await enter(alertmanager(faster.alertmanager(folder, receiver.url), folder))
        seen = await enter(prometheus([outrider], folder, _settings(folder, told), _ARGS))
        await stack.enter_async_context(asking(model, outrider.url))

        await _judged(seen)
        assert not webhook.said()
        await _drifts(model, webhook, outrider)
        await _fails(model, webhook)
        await _predicts_otherwise(model, webhook, told)
        await _fails_silently(model, webhook)


_ARGS = ("--rules.alert.resend-delay=1s",)


def _settings(folder: Path, told: str) -> dict[str, Any]:
    each = {"scrape_interval": "1s", "evaluation_interval": "500ms", "external_labels": LINKS}
    shipped = yaml.safe_load((faster.EXAMPLES / "prometheus.yml").read_text())
    return {
        "global": each,
        "rule_files": faster.rules(folder / "rules"),
        "alerting": {
            "alert_relabel_configs": shipped["alerting"]["alert_relabel_configs"],
            "alertmanagers": [{"static_configs": [{"targets": [told]}]}],
        },
    }


async def _judged(seen: Prometheus) -> None:
    """Until there are verdicts of all columns."""
    expr = 'count(outrider_drift_detected{side="input"} == 0)'
    while await asyncio.to_thread(seen.value, expr) != 13:
        await asyncio.sleep(0.1)


async def _drifts(model: Model, webhook: Webhook, outrider: Outrider) -> None:
    model.shifts = True

    def columns(status: str) -> dict[str, dict[str, Any]]:
        found = webhook.alerts("ModelInputDrift", status, scope="pods")
        return {alert["labels"]["column"]: alert for alert in found}

    await until(lambda: columns("firing").keys() >= SHIFT.keys())
    alert = columns("firing")["hue"]
    assert alert["path"] == "/working-hours"
    assert alert["labels"].items() >= {
        "severity": "warning", "model": "wine", "side": "input", "job": "outrider",
    }.items()  # fmt: skip
    assert not alert["labels"].keys() & LINKS.keys()
    said = alert["annotations"]
    assert said["summary"] == "Input hue of wine drifts"
    shape = (
        r"It is \d+\.\d\d standard deviations away from the reference, as 1 of 1 sidecars see it."
    )
    assert re.match(shape, said["description"]), said
    assert said["runbook_url"] == "https://docs.test/runbooks/ModelInputDrift.md"
    assert (
        said["dashboard"]
        == "https://grafana.test/d/outrider-model?var-model=wine&var-detail=hue&var-detail_side=input"
    )

    await _mute(outrider, "hue")
    await until(lambda: "hue" in columns("resolved"))
    assert columns("resolved").keys() & SHIFT.keys() == {"hue"}
    model.shifts = False
    await until(lambda: columns("resolved").keys() >= SHIFT.keys())


async def _mute(outrider: Outrider, column: str) -> None:
    host, port = outrider.admin
    order = {"model": "wine", "column": column, "action": "mute", "until": "1h"}
    async with aiohttp.ClientSession() as session:
        url = f"http://{host}:{port}/api/v1/drift/acknowledge"
        async with session.post(url, json=order) as got:
            assert got.status == 200, await got.text()


async def _fails(model: Model, webhook: Webhook) -> None:
    assert webhook.said() == {"ModelInputDrift"}
    model.fails = True
    await until(lambda: bool(webhook.alerts("ModelErrorBudgetBurnFast", "firing")))
    model.fails = False
    [alert, *_] = webhook.alerts("ModelErrorBudgetBurnFast", "firing")
    assert (alert["path"], alert["labels"]["severity"]) == ("/on-call", "critical")
    said = alert["annotations"]
    assert re.fullmatch(r"\d+(\.\d+)?% of the requests to wine fail", said["summary"]), said
    assert "The objective allows 0.1%" in said["description"]
    await until(lambda: bool(webhook.alerts("ModelErrorBudgetBurnFast", "resolved")))


async def _fails_silently(model: Model, webhook: Webhook) -> None:
    model.fails_silently = True
    await until(lambda: bool(webhook.alerts("ModelSilentFailure", "firing", finding="error_body")))
    [alert, *_] = webhook.alerts("ModelSilentFailure", "firing")
    assert (alert["path"], alert["labels"]["model"]) == ("/on-call", "wine")


async def _predicts_otherwise(model: Model, webhook: Webhook, told: str) -> None:
    """The input that explains it is in the message, and rings nobody by itself."""
    model.weak = True
    await until(lambda: bool(webhook.alerts("ModelPredictionDrift", "firing", scope="pods")))
    [alert, *_] = webhook.alerts("ModelPredictionDrift", "firing", scope="pods")
    assert (alert["path"], alert["labels"]["column"]) == ("/on-call", "strong")

    async def is_suppressed() -> bool:
        async with aiohttp.ClientSession() as session:
            query = {"filter": ["alertname=ModelInputDrift", "column=alcohol"]}
            async with session.get(f"http://{told}/api/v2/alerts", params=query) as got:
                found = await got.json()
        return bool(found) and all(one["status"]["inhibitedBy"] for one in found)

    while not await is_suppressed():
        await asyncio.sleep(0.1)
