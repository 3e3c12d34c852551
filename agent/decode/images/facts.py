"""An image as a few named values: those that `NAME.format`, `NAME.width`, … stand for.

Rule: no pixel and no text of it is kept. Base64 is undone for the head; for all of it only where
the image is measured.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable

from agent.decode.images.heads import Head, head
from agent.decode.images.light import METER

Facts = dict[str, str | int | float | None]
"""`format`, `width`, `height` (pixels), `bytes`, and where measured `brightness`, `contrast`."""

LONGEST_FACT = len(".brightness")
SHORTEST = 256
"""Characters; a text of no more is a text, whatever it says."""
_FIRST = 64
"""Characters that tell whether it is worth to go on."""
_HEADS = (4 << 10, 256 << 10)
"""Characters of which the sizes are looked for: few have them behind the first."""
_BEGINNINGS = frozenset(("/9", "_9", "iV", "R0", "Uk", "Qk", "SU", "TU", "AA", "da"))
"""Of JPEG (also as it is written in URLs), PNG, GIF, WebP, BMP, TIFF twice, AVIF and HEIC, and of
`data:` URLs."""
_URL, _CODED = "data:image/", ";base64,"
_MAX_TYPE = 128
_FROM_URL = str.maketrans("-_", "+/")


def of_bytes(data: bytes, size: int | None = None) -> Facts | None:
    """What is known of an image; None if these are no image's first bytes.

    `size`: bytes of the whole image, where `data` is only its beginning.
    """
    found = head(data)
    if found is None:
        return None
    if size is not None:
        return _facts(found, size, None)
    return _facts(found, len(data), lambda: data)


def of_text(text: str) -> Facts | None:
    """The same of an image in base64, also as a `data:` URL; None if it is none.

    Measured: 0.1 µs for a text that is none; one that is takes 3 µs, and if it is measured that.
    """
    if text[:2] not in _BEGINNINGS or len(text) <= SHORTEST:
        return None
    at = 0
    if text.startswith(_URL):
        at = text.find(_CODED, 0, _MAX_TYPE) + len(_CODED)
        if at < len(_CODED):
            return None
    found = head(_undone(text[at : at + _FIRST]))
    for length in _HEADS:
        if found is None or found.width is not None:
            break
        found = head(_undone(text[at : at + length]))
        if len(text) - at <= length:
            break
    if found is None:
        return None
    written = len(text) - at - text.count("\n", at) - text.count("\r", at)
    size = written * 3 // 4 - text.count("=", -2)
    return _facts(found, size, lambda: _undone(text[at:]))


def _facts(found: Head, size: int, whole: Callable[[], bytes] | None) -> Facts:
    facts: Facts = {
        "format": found.format,
        "width": found.width,
        "height": found.height,
        "bytes": size,
    }
    light = METER.measure(whole, found)
    if light is not None:
        facts["brightness"], facts["contrast"] = light
    return facts


def _undone(text: str) -> bytes:
    """The bytes of whole groups of base64; empty if it is none."""
    if "\n" in text or "\r" in text:
        text = "".join(text.split())
    text += "=" * (-len(text) % 4)  # some leave it out
    try:
        if "-" in text or "_" in text:
            text = text.translate(_FROM_URL)
        return binascii.a2b_base64(text)
    except (binascii.Error, ValueError):
        return b""
