"""Bytes with a mark of what they are and a checksum.

Rule: what was damaged, or is of another kind or version, is a ValueError and never believed.
"""

from __future__ import annotations

import hashlib

DIGEST = 32


def sealed(magic: bytes, data: bytes) -> bytes:
    """As a file's bytes."""
    return magic + hashlib.sha256(data).digest() + data


def opened(magic: bytes, raw: bytes, what: str) -> bytes:
    """The data in a file's bytes. Raises ValueError, which names `what` it should be."""
    if not raw.startswith(magic):
        raise ValueError(f"it is of another version, or no {what} at all")
    digest, data = raw[len(magic) :][:DIGEST], raw[len(magic) + DIGEST :]
    if hashlib.sha256(data).digest() != digest:
        raise ValueError("it is damaged")
    return data
