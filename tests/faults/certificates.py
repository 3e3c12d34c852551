"""TLS for an Outrider and its clients, made for the test."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def certificates(folder: Path) -> tuple[dict[str, str], ssl.SSLContext]:
    """What `tls` is to be set to, and a context that trusts it."""
    ca = trustme.CA()
    made = ca.issue_cert("localhost", "127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return {"cert": str(cert), "key": str(key)}, context
