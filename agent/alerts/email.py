"""Messages by SMTP.

Rule: the standard library's client in a thread of its own, one message at a time. Its time-outs are
for a step, so who waits no longer cuts the connection: a server that says a little now and then
would hold the thread, and what it says, for ever.

A message is plain text; nothing of what clients send gets into its head but the subject, which is
one line of printable characters by then.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal, NamedTuple

from agent.alerts.messages import Message, Source, compose, text
from agent.alerts.telling import Item
from agent.ship.outcome import OK, Outcome, reject, retry


class Server(NamedTuple):
    """Where to, and how."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str | None
    password: str | None
    timeout: float
    """Seconds for each step of the dialogue."""


class Email:
    """One mail server, and who gets the messages."""

    def __init__(self, server: Server, sender: str, to: Sequence[str], source: Source) -> None:
        self._server, self._sender, self._to, self._source = server, sender, [*to], source
        self._busy: threading.Thread | None = None
        self._line = Line()

    async def push(self, items: Sequence[Item], now: float) -> Outcome:
        """One message of them all."""
        if self._busy is not None and self._busy.is_alive():
            self._line.cut()
            return retry("the mail server is slow")
        self._line = line = Line()
        message = letter(compose(items, self._source), self._sender, self._to, now)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome] = loop.create_future()

        def work() -> None:
            outcome: Outcome | Exception
            try:
                outcome = send(self._server, message, line)
            except Exception as fault:
                outcome = fault
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, done, outcome)

        # Not of a pool: those are waited for at the end of the process, however long it takes.
        self._busy = threading.Thread(target=work, name="alerts by e-mail", daemon=True)
        self._busy.start()
        try:
            return await done
        except asyncio.CancelledError:
            line.cut()
            raise

    async def close(self) -> None:
        """Nothing is kept open."""


def _settle(done: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def letter(message: Message, sender: str, to: Sequence[str], now: float) -> EmailMessage:
    """The message as it is sent."""
    made = EmailMessage()
    made["Subject"] = message.title
    made["From"] = sender
    made["To"] = ", ".join(to)
    made["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    made["Message-ID"] = make_msgid("outrider", sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text(message))
    return made


def send(server: Server, message: EmailMessage, line: Line) -> Outcome:
    """Blocks; raises on a fault of ours alone. `line` gets the connection."""
    try:
        with _connect(server, line) as client:
            if server.user is not None:
                client.login(server.user, server.password or "")
            refused = client.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(error.recipients)
    except smtplib.SMTPResponseException as error:
        # What concerns the message itself is refused again; a login or a full queue is mended.
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        reason = f"{type(error).__name__} {error.smtp_code}"
        return reject(reason) if is_final else retry(reason)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return retry(type(error).__name__)
    return OK._replace(reason=f"{len(refused)} recipients are refused") if refused else OK


def _refused(recipients: dict[str, tuple[int, bytes]]) -> Outcome:
    codes = {code for code, _ in recipients.values()}
    reason = f"all recipients are refused: {min(codes)}"
    return reject(reason) if min(codes) >= 500 else retry(reason)


def _connect(server: Server, line: Line) -> smtplib.SMTP:
    if server.tls == "tls":
        return _Tls(server, line)
    client = _Plain(server, line)
    if server.tls == "starttls":
        try:
            client.starttls(context=ssl.create_default_context())
        except BaseException:
            client.close()
            raise
    return client


class Line:
    """The connection of one message."""

    def __init__(self) -> None:
        self.client: smtplib.SMTP | None = None

    def cut(self) -> None:
        """Ends it, from any thread; who waits for its next bytes waits no more."""
        sock = self.client.sock if self.client is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Plain(smtplib.SMTP):
    """Known to its line before it connects, which waits for the server's greeting."""

    def __init__(self, server: Server, line: Line) -> None:
        line.client = self
        super().__init__(server.host, server.port, timeout=server.timeout)


class _Tls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(self, server: Server, line: Line) -> None:
        line.client = self
        context = ssl.create_default_context()
        super().__init__(server.host, server.port, timeout=server.timeout, context=context)
