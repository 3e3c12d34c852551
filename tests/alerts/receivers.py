"""A small mail server over a real socket, under a test's control."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """Takes what comes; `answers` are given instead to a command, by its first word."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    """For STARTTLS; None: it is not offered."""
    raw: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]  # type: ignore[misc]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        is_encrypted = writer.get_extra_info("ssl_object") is not None

        def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")

        say("220 test ESMTP")
        while line := await reader.readline():
            words = line.decode().rstrip("\r\n").split(" ")
            command = words[0].upper()
            if command in self.answers:
                say(self.answers[command])
            elif command == "EHLO":
                say("250-test")
                if self.context is not None and not is_encrypted:
                    say("250-STARTTLS")
                say("250 AUTH PLAIN")
            elif command == "STARTTLS" and self.context is not None:
                say("220 go on")
                await writer.drain()
                await writer.start_tls(self.context)
                is_encrypted = True
            elif command == "AUTH":
                self.logins.append(base64.b64decode(words[-1]).decode())
                say("235 welcome")
            elif command == "RCPT":
                self.recipients.append(" ".join(words[1:]))
                say("250 ok")
            elif command == "DATA":
                say("354 go on")
                await writer.drain()
                data = await reader.readuntil(b"\r\n.\r\n")
                self.raw.append(data[:-3])
                self.encrypted.append(is_encrypted)
                say("250 taken")
            elif command == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None = None, *, tls: bool = False
) -> AsyncIterator[MailServer]:
    """On the loopback. `tls`: from the first byte; else `context` is for STARTTLS."""
    mail = MailServer(context=None if tls else context)
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0, ssl=context if tls else None)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
