"""The certificates that the model server must show, and ours for it."""

from __future__ import annotations

import ssl

from agent.config import Config, UpstreamTls


def upstream_tls(config: Config) -> ssl.SSLContext | None:
    """The context towards the model server. Raises OSError or ssl.SSLError on a bad file."""
    return client_tls(config.upstream_tls) if config.upstream.tls else None


def client_tls(tls: UpstreamTls) -> ssl.SSLContext:
    """The context of these settings. Raises OSError or ssl.SSLError on a bad file."""
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
