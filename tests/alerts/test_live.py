"""The whole way: traffic that drifts, a real sidecar, and who is told.

Thirty columns drift at once: that is one message, not thirty.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent import cli
from tests.alerts.alertmanager import Alertmanager, alertmanager
from tests.alerts.receivers import MailServer, mail_server
from tests.harness import Outrider, eventually, get
from tests.ship.receivers import HttpReceiver, http_receiver
from tests.ship.sinks import run

HOSTILE = "<!channel>\r\nBcc: all"
COLUMNS = [HOSTILE, *(f"c{n}" for n in range(29))]
DRIFT = {
    "reference": {"learn": {"rows": 500}},
    "window": {"rows": 100, "seconds": "1h"},
    "false_alarms": "1 per 1h",
}


class Traffic:
    """A model that answers anything, and a client that asks for ever."""

    def __init__(self) -> None:
        self.shift = 0.0
        self._random = random.Random(7)

    async def predict(self, request: web.Request) -> web.Response:
        rows = len((await request.json())["instances"])
        return web.json_response({"predictions": [self._random.random() for _ in range(rows)]})

    async def ask(self, url: str) -> None:
        draw = self._random.gauss
        async with aiohttp.ClientSession() as session:
            while True:
                rows = [{name: draw(self.shift, 1) for name in COLUMNS} for _ in range(50)]
                path = f"{url}/v1/models/m:predict"
                async with session.post(path, json={"instances": rows}) as got:
                    await got.read()
                await asyncio.sleep(0.05)


class Told:
    """What came to the webhook."""

    def __init__(self, receiver: HttpReceiver) -> None:
        self._receiver = receiver

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self._receiver.requests]

    def count(self, kind: str) -> int:
        """Pieces of news of a kind, in all messages."""
        return sum(counted(message["text"], kind) for message in self.messages())


def counted(title: str, kind: str) -> int:
    """Of `*29 firing, 1 resolved; first: …`, or of a message of one, which says what it is."""
    if found := re.search(rf"(\d+) {kind}[,;]", title):
        return int(found[1])
    return int(title.startswith("*warning: " if kind == "firing" else f"*{kind}: "))


async def seen(check: Callable[[], Any], what: str) -> Any:
    """The first true result of a check that may ask the network."""
    return await asyncio.to_thread(eventually, check, what, 30)


@pytest.mark.slow
@pytest.mark.needs("prometheus-alertmanager")
def test_drift_is_told_once_everywhere_and_so_is_its_end(tmp_path: Path) -> None:
    run(_whole_way(tmp_path))


async def _whole_way(folder: Path) -> None:
    traffic = Traffic()
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(http_receiver())
        mail = await stack.enter_async_context(mail_server())
        app = web.Application()
        app.router.add_post("/{tail:.*}", traffic.predict)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        manager = await asyncio.to_thread(stack.enter_context, alertmanager(folder))
        settings = _settings(manager, receiver, mail)
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        proxy = await asyncio.to_thread(Outrider, url, settings)
        asking = asyncio.create_task(traffic.ask(proxy.url))
        try:
            await _tell(proxy, traffic, manager, Told(receiver), mail)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.to_thread(proxy.__exit__, None, None, None)
        # Columns whose windows end later come in a message of their own.
        assert len(receiver.requests) <= 5


def _settings(manager: Alertmanager, receiver: HttpReceiver, mail: MailServer) -> dict[str, Any]:
    to = {
        "ops": {"type": "slack", "url": f"{receiver.url}/services/geheim"},
        "am": {"type": "alertmanager", "url": manager.url, "labels": {"cluster": "eu-1"}},
        "mail": {
            "type": "email", "host": "127.0.0.1", "port": mail.port, "tls": "none",
            "sender": "outrider@example.com", "to": ["team@example.com"],
        },
    }  # fmt: skip
    return {
        "drift": DRIFT,
        "logs": {"stdout": False},
        "alerts": {"to": to, "group": "1s", "off": ["ModelMissingValues"]},
    }


async def _tell(
    proxy: Outrider, traffic: Traffic, manager: Alertmanager, told: Told, mail: MailServer
) -> None:
    def status() -> dict[str, Any]:
        page: dict[str, Any] = get(proxy.admin, "/api/v1/status").json()
        return page["alerts"]  # type: ignore[no-any-return]

    stable = 'outrider_drift_detected{column="c7",model="m",side="input"} 0.0'
    await seen(lambda: stable in proxy.metrics().text, "verdicts")
    assert status()["firing"] == []
    assert manager.alerts() == []

    traffic.shift = 2.0
    await seen(lambda: len(manager.alerts()) == len(COLUMNS), "Alertmanager to have them all")
    await seen(lambda: told.count("firing") >= len(COLUMNS), "the webhook")
    await seen(lambda: mail.raw, "the mail")
    _look_at(told.messages(), mail, manager)
    page = status()
    assert len(page["firing"]) == len(COLUMNS)
    assert {one["name"]: one["messages"]["sent"] > 0 for one in page["destinations"]} == {
        "ops": True, "am": True, "mail": True,
    }  # fmt: skip
    seen_first = get(proxy.admin, "/api/v1/overview").json()["alerts"]
    assert (len(seen_first["firing"]), seen_first["more"]) == (20, len(COLUMNS) - 20)
    assert {one["name"] for one in seen_first["destinations"]} == {"ops", "am", "mail"}
    whole = get(proxy.admin, "/api/v1/status").body + proxy.metrics().text.encode()
    assert b"geheim" not in whole + proxy.stderr().encode()
    labels = {"alertname": "ModelInputDrift", "severity": "warning"}
    assert proxy.metric("outrider_alerts_firing", **labels) == len(COLUMNS)
    assert proxy.metric("outrider_alerts_sent_total", destination="ops", outcome="sent") in (1, 2)

    traffic.shift = 0.0
    await seen(lambda: manager.received("resolved") >= len(COLUMNS), "all to be over")
    await seen(lambda: not manager.alerts(), "Alertmanager to hold none for active")
    await seen(lambda: told.count("resolved") >= len(COLUMNS), "the webhook")
    await seen(lambda: len(mail.raw) >= 2, "the mail")


def _look_at(firing: list[dict[str, Any]], mail: MailServer, manager: Alertmanager) -> None:
    message = max(firing, key=lambda one: counted(one["text"], "firing"))
    many = counted(message["text"], "firing")
    assert many > 20, "nearly all come in one message"
    assert "<" not in json.dumps(firing), "there are no links, and nothing of a client's is one"
    assert len(message["attachments"]) == 21
    more = message["attachments"][20]["text"]
    assert more == f"And {many - 20} × ModelInputDrift."
    letter = mail.messages[0]
    assert letter["To"] == "team@example.com"
    assert letter["Bcc"] is None
    assert "ModelInputDrift firing (warning)" in letter.get_content()
    labels = [alert["labels"] for alert in manager.alerts()]
    assert {"<!channel> Bcc: all", "c7"} <= {each["column"] for each in labels}
    assert {each["cluster"] for each in labels} == {"eu-1"}
    assert {each["model"] for each in labels} == {"m"}


def test_a_test_message_goes_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def go() -> None:
        async with http_receiver() as receiver, mail_server() as mail:
            mail.answers = {"RCPT": "550 nobody of that name"}
            file = tmp_path / "outrider.yaml"
            to = f"""
                ops: {{type: slack, url: "{receiver.url}/geheim"}}
                am: {{type: alertmanager, url: "{receiver.url}"}}
                mail: {{type: email, host: 127.0.0.1, port: {mail.port}, tls: none,
                        sender: a@example.com, to: [b@example.com]}}
            """
            file.write_text(f"alerts:\n  to:{to}")
            command = ["alerts", "test", "--config", str(file)]
            assert await asyncio.to_thread(cli.main, command) == 1
            assert capsys.readouterr().out.splitlines() == [
                "ops (slack): taken",
                "am (alertmanager): taken",
                "mail (email): refused: all recipients are refused: 550",
            ]
            assert {request.path for request in receiver.requests} == {"/geheim", "/api/v2/alerts"}
            assert await asyncio.to_thread(cli.main, [*command, "--to", "ops"]) == 0
            assert await asyncio.to_thread(cli.main, [*command, "--to", "pager"]) == 2
            assert "known are: ops, am, mail" in capsys.readouterr().err

    run(go())
