"""Asks the model server itself what it says of its models: a GET beside the traffic.

Rule: never in the way. One question at a time, over a connection of the observer's own, which is
closed after it; `metadata.timeout` and MAX_ANSWER bytes, no redirect followed, nothing unpacked
but by our own bounded means. A fault here costs names and nothing else.
"""

from __future__ import annotations

import aiohttp
from yarl import URL

from agent import __version__
from agent.certificates import upstream_tls
from agent.config import Config
from agent.decode.metadata import MAX_ANSWER, NOTHING, told
from agent.drift.monitor import Monitor
from agent.drift.reference.profile import Profile
from agent.exchange import Fields
from agent.observer.faults import Faults
from agent.observer.names.naming import Model, Naming
from agent.observer.redact import Redactor

HOLD = 2.5
"""Times `metadata.timeout` that rows wait: for a question, a pause, and the same question again."""
LATER = frozenset((408, 425, 429))
"""Beside those of the server's own failing: it may answer another time."""
_HEADERS = {"User-Agent": f"outrider/{__version__}", "Accept": "application/json"}


def naming_of(config: Config, monitor: Monitor, redactor: Redactor, faults: Faults) -> Naming:
    """By the settings and by the references there are."""
    title, asked = redactor.title, config.metadata

    def expected(model: str, version: str) -> Profile | None:
        return monitor.expected(title(model), title(version))

    return Naming(expected, faults, asks=asked.ask, hold=HOLD * asked.timeout)


class Asker:
    """Answers what `naming` wants to know."""

    def __init__(self, config: Config, naming: Naming, faults: Faults) -> None:
        self._config = config
        self._naming = naming
        self._faults = faults

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            model = await self._naming.wanted.get()
            try:
                await self._ask(model)
            except Exception as error:
                self._faults.tell("names", error, "columns stay without names")
                self._naming.refused(model, "a fault of outrider's own; its log says more")

    async def _ask(self, model: Model) -> None:
        assert model.question is not None
        outcome = ""
        for path in model.question.paths:
            try:
                status, body, fields = await self._get(path)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                self._naming.failed(model, f"no answer ({type(error).__name__})")
                return
            if status >= 500 or status in LATER:
                self._naming.failed(model, f"status {status}")
                return
            if status == 200 and len(body) > MAX_ANSWER:
                outcome = f"an answer of more than {MAX_ANSWER} bytes"
            elif status == 200:
                found = told(path, body, fields, model.target)
                if found != NOTHING:
                    self._naming.answered(model, found, path, "answered")
                    return
                outcome = "the answer tells neither names nor a version"
            else:
                outcome = outcome or f"status {status}"
        self._naming.refused(model, outcome)

    async def _get(self, path: bytes) -> tuple[int, bytes, Fields]:
        """Status, body and head. Raises one of aiohttp's errors, OSError or TimeoutError."""
        upstream = self._config.upstream
        connector: aiohttp.BaseConnector
        if upstream.socket:
            connector = aiohttp.UnixConnector(upstream.socket)
            base = "http://localhost"
        else:
            connector = aiohttp.TCPConnector(ssl=upstream_tls(self._config) or True)
            base = str(upstream).rstrip("/")
        url = URL(base + path.decode("latin-1"), encoded=True)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=self._config.metadata.timeout),
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            body = b""
            while len(body) <= MAX_ANSWER:
                piece = await response.content.read(MAX_ANSWER + 1 - len(body))
                if not piece:
                    break
                body += piece
            return response.status, body, [*response.raw_headers]
