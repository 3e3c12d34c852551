"""Each destination against a real receiver, over a real socket."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from agent.alerts.alertmanager import AGAIN, LASTS, Alertmanager
from agent.alerts.build import make, source_of
from agent.alerts.email import Email, Server
from agent.alerts.slack import Slack
from agent.alerts.telling import Kind
from agent.settings.loading import load
from agent.ship.outcome import OK, Verdict
from tests.alerts.factory import SOURCE, item
from tests.alerts.receivers import MailServer, mail_server
from tests.harness import free_ports
from tests.ship.receivers import http_receiver
from tests.ship.sinks import run

NOW = 1_700_000_050.0


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """One that this process trusts as if it were the system's."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def context(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


def test_slack_gets_one_post_of_all() -> None:
    async def go() -> None:
        async with http_receiver() as receiver:
            destination = Slack(f"{receiver.url}/services/secret", SOURCE, "outrider/1")
            assert await destination.push([item(), item(column="b")], NOW) == OK
            await destination.close()
            [came] = receiver.requests
            assert came.path == "/services/secret"
            assert came.headers["content-type"] == "application/json"
            assert came.headers["user-agent"] == "outrider/1"
            assert len(json.loads(came.body)["attachments"]) == 2

    run(go())


@pytest.mark.parametrize(
    ("status", "verdict", "after"),
    [(200, Verdict.OK, None), (204, Verdict.OK, None), (400, Verdict.REJECT, None),
     (413, Verdict.REJECT, None), (404, Verdict.RETRY, None), (401, Verdict.RETRY, None),
     (302, Verdict.RETRY, None), (429, Verdict.RETRY, 7.0), (503, Verdict.RETRY, 7.0)],
)  # fmt: skip
def test_what_an_answer_means(status: int, verdict: Verdict, after: float | None) -> None:
    async def go() -> None:
        async with http_receiver() as receiver:
            headers = {"Retry-After": "7"} if after else {"Location": "http://127.0.0.1:1/"}
            receiver.answer = lambda _: web.Response(status=status, headers=headers)
            destination = Slack(receiver.url, SOURCE, "a")
            outcome = await destination.push([item()], NOW)
            await destination.close()
            assert (outcome.verdict, outcome.after) == (verdict, after)
            assert len(receiver.requests) == 1, "no redirect is followed"

    run(go())


def test_nobody_there_is_tried_again_and_the_url_is_not_told() -> None:
    async def go() -> None:
        [port] = free_ports(1)
        for destination in (
            Slack(f"http://127.0.0.1:{port}/geheim", SOURCE, "a"),
            Alertmanager(f"http://127.0.0.1:{port}/geheim", None, {}, SOURCE, "a"),
            Email(Server("127.0.0.1", port, "none", None, None, 5), "a@b.c", ["d@e.f"], SOURCE),
        ):
            outcome = await destination.push([item()], NOW)
            await destination.close()
            assert outcome.verdict is Verdict.RETRY
            assert "geheim" not in outcome.reason

    run(go())


def test_alertmanager_gets_labels_times_and_notes() -> None:
    async def go() -> None:
        async with http_receiver() as receiver:
            labels = {"cluster": "eu-1", "a-b": "c"}
            destination = Alertmanager(receiver.url + "/", "token", labels, SOURCE, "a")
            hostile = item(Kind.OVER, "a\r\nb\x00\u202e")
            assert await destination.push([item(), hostile], NOW) == OK
            await destination.close()
            [came] = receiver.requests
            assert came.path == "/api/v2/alerts"
            assert came.headers["authorization"] == "Bearer token"
            firing, over = json.loads(came.body)
            assert firing["labels"] == {
                "alertname": "ModelInputDrift", "severity": "warning", "service": "outrider",
                "instance": "host-1:8901", "cluster": "eu-1", "a_b": "c", "model": "churn",
                "side": "input", "column": "age",
            }  # fmt: skip
            assert firing["annotations"]["summary"] == "Input age of churn drifts"
            assert firing["annotations"]["runbook_url"].endswith("/runbooks/ModelInputDrift.md")
            assert firing["startsAt"] == "2023-11-14T22:13:20.000+00:00"
            assert firing["endsAt"] == "2023-11-14T22:18:10.000+00:00"
            assert over["endsAt"] == "2023-11-14T22:15:00.000+00:00"
            assert over["labels"]["column"] == "a b \ufffd"

    assert LASTS > 3 * AGAIN, "an alert must not end before it is sent again twice"
    run(go())


async def mailed(mail: MailServer, tls: str, host: str = "localhost", **more: object) -> object:
    login = {"user": "me", "password": "geheim", "timeout": 10.0} | more
    server = Server(host, mail.port, tls, **login)  # type: ignore[arg-type]
    return await Email(server, "a@example.com", ["b@example.com", "c@example.com"], SOURCE).push(
        [item()], NOW
    )


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_letter_comes_encrypted_after_a_login(authority: trustme.CA, tls: str) -> None:
    async def go() -> None:
        async with mail_server(context(authority), tls=tls == "tls") as mail:
            assert await mailed(mail, tls) == OK
            assert mail.encrypted == [True]
            assert mail.logins == ["\0me\0geheim"]
            [message] = mail.messages
            assert message["Subject"].startswith("warning: Input age of churn drifts")
            assert message["Date"].startswith("Tue, 14 Nov 2023")
            assert len(mail.recipients) == 2

    run(go())


def test_a_certificate_of_another_name_gets_no_password(authority: trustme.CA) -> None:
    async def go() -> None:
        async with mail_server(context(authority, "elsewhere.test")) as mail:
            outcome = await mailed(mail, "starttls")
            assert outcome.verdict is Verdict.RETRY  # type: ignore[attr-defined]
            assert mail.logins == []
            assert mail.raw == []

    run(go())


def test_a_server_without_starttls_gets_no_password() -> None:
    async def go() -> None:
        async with mail_server() as mail:
            outcome = await mailed(mail, "starttls")
            assert outcome.verdict is Verdict.RETRY  # type: ignore[attr-defined]
            assert mail.logins == []

    run(go())


@pytest.mark.parametrize(
    ("answers", "verdict", "reason"),
    [
        ({"DATA": "554 spam"}, Verdict.REJECT, "554"),
        ({"DATA": "452 full"}, Verdict.RETRY, "452"),
        ({"RCPT": "550 nobody"}, Verdict.REJECT, "550"),
        ({"RCPT": "450 later"}, Verdict.RETRY, "450"),
        ({"AUTH": "535 no"}, Verdict.RETRY, "535"),
        ({"EHLO": "421 busy", "HELO": "421 busy"}, Verdict.RETRY, "421"),
        ({"MAIL": "550 not you"}, Verdict.RETRY, "550"),
    ],
)
def test_what_a_mail_server_says(answers: dict[str, str], verdict: Verdict, reason: str) -> None:
    async def go() -> None:
        async with mail_server() as mail:
            mail.answers = answers
            outcome = await mailed(mail, "none")
            assert outcome.verdict is verdict  # type: ignore[attr-defined]
            assert reason in outcome.reason  # type: ignore[attr-defined]
            assert "geheim" not in outcome.reason  # type: ignore[attr-defined]
            assert mail.raw == []

    run(go())


def test_a_mail_server_that_is_slow_holds_one_thread_not_many() -> None:
    async def go() -> None:
        held = asyncio.Event()

        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await held.wait()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = Server("127.0.0.1", port, "none", None, None, 30)
        destination = Email(settings, "a@b.c", ["d@e.f"], SOURCE)
        first = asyncio.ensure_future(destination.push([item()], NOW))
        await asyncio.sleep(0)
        outcome = await destination.push([item()], NOW)
        assert outcome.reason == "the mail server is slow"
        held.set()
        assert (await first).verdict is Verdict.RETRY
        server.close()

    run(go())


@pytest.mark.parametrize("greeting", [b"220-wait\r\n", b"220 test\r\n250-wait\r\n"])
def test_a_mail_server_that_says_more_for_ever_is_cut_off(greeting: bytes) -> None:
    """Each line is in time, and each is kept until the last has come."""

    async def go() -> None:
        left = asyncio.Event()

        async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            while not writer.is_closing():
                writer.write(b"%b-more\r\n" % greeting[-10:-7])
                with suppress(ConnectionError):
                    await writer.drain()
                await asyncio.sleep(0.01)  # as a slow one does
            left.set()

        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = Server("127.0.0.1", port, "none", None, None, 30)
        destination = Email(settings, "a@b.c", ["d@e.f"], SOURCE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await destination.push([item()], NOW)
        assert destination._busy is not None
        await asyncio.to_thread(destination._busy.join, 10)
        assert not destination._busy.is_alive()
        await left.wait()
        server.close()

    run(go())


@pytest.mark.parametrize("kind", ["alertmanager", "slack"])
def test_links_of_the_settings_get_there(kind: str, tmp_path: Path) -> None:
    async def go() -> None:
        async with http_receiver() as receiver:
            file = tmp_path / "outrider.yaml"
            links = '{page: "http://page.example:8901", runbooks: "https://wiki.example/r"}'
            to = f'{{ops: {{type: {kind}, url: "{receiver.url}"}}}}'
            file.write_text(f"alerts: {{to: {to}, links: {links}}}", encoding="utf-8")
            alerts = load(str(file)).alerts
            destination = make(alerts.to["ops"], source_of(alerts, "s", "i"), "1")
            assert await destination.push([item()], NOW) == OK
            await destination.close()
            [came] = receiver.requests
            assert b"http://page.example:8901" in came.body
            assert b"https://wiki.example/r/" in came.body

    run(go())
