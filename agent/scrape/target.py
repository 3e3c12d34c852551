"""Where the model server's metrics are, as the settings have it."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from agent.certificates import client_tls
from agent.config import Config


class Target(NamedTuple):
    """Where an exposition is."""

    url: str
    socket: str
    """Path of a Unix socket; empty: TCP."""
    tls: ssl.SSLContext | None


def target_of(config: Config) -> Target | None:
    """None: nothing is read. Raises OSError on a bad certificate."""
    page, upstream = config.scrape.url, config.upstream
    if page is None:
        return None
    if not page.of_upstream:
        tls = client_tls(config.upstream_tls) if page.startswith("https:") else None
        return Target(page, "", tls)
    base = "http://localhost" if upstream.socket else str(upstream).rstrip("/")
    tls = client_tls(config.upstream_tls) if upstream.tls else None
    return Target(base + page, upstream.socket, tls)
