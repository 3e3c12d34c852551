"""An image's format, width and height, from its first bytes alone.

Rule: no dependency, nothing is decoded, and any bytes never raise. What the bytes that are there
do not say is None: an image may be cut off anywhere.

Sources: ITU-T T.81 annex B (JPEG's markers), the PNG and GIF89a specifications, Google's "WebP
Container Specification" with RFC 6386 and RFC 9649, Microsoft's BITMAPFILEHEADER, TIFF 6.0, ISO/IEC
14496-12 and 23008-12 (AVIF and HEIC).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

MAX_MARKERS = 300
"""JPEG's, before the frame; cameras and editors write some dozens."""
MAX_ENTRIES = 256
"""Of a TIFF directory."""
MAX_SIZES = 64
"""That an AVIF or HEIC names: of tiles, thumbnails and the whole."""

Size = tuple[int, int] | None


class Head(NamedTuple):
    """What is known of an image; sizes in pixels, None where the bytes do not say."""

    format: str
    """"jpeg", "png", "gif", "webp", "bmp", "tiff", "avif" or "heic"."""
    width: int | None
    height: int | None


def head(data: bytes) -> Head | None:
    """What these first bytes say of an image; None if they are of none that is known here."""
    kind = _KINDS.get(data[:2])
    if kind is None:
        return None
    try:
        format, size = kind(data)
    except (struct.error, IndexError):
        return None
    if not format:
        return None
    if size is None or min(size) <= 0:
        return Head(format, None, None)
    return Head(format, *size)


def _jpeg(data: bytes) -> tuple[str, Size]:
    if data[2:3] != b"\xff":
        return "", None
    at, end = 2, len(data)
    for _ in range(MAX_MARKERS):
        if at + 9 > end or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # a byte that only fills
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return "jpeg", (width, height)
        if marker in (0xD9, 0xDA):
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        at += 2 if marker == 0x01 or 0xD0 <= marker <= 0xD8 else 2 + max(2, length)
    return "jpeg", None


def _png(data: bytes) -> tuple[str, Size]:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return "", None
    is_whole = len(data) >= 24 and data[12:16] == b"IHDR"
    return "png", struct.unpack_from(">II", data, 16) if is_whole else None


def _gif(data: bytes) -> tuple[str, Size]:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return "", None
    return "gif", struct.unpack_from("<HH", data, 6) if len(data) >= 10 else None


def _webp(data: bytes) -> tuple[str, Size]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return "", None
    if len(data) < 30:
        return "webp", None
    chunk = data[12:16]
    if chunk == b"VP8X":
        sides = data[24:27], data[27:30]
        width, height = (int.from_bytes(side, "little") + 1 for side in sides)
        return "webp", (width, height)
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return "webp", ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return "webp", (width & 0x3FFF, height & 0x3FFF)
    return "webp", None


def _bmp(data: bytes) -> tuple[str, Size]:
    """Two letters alone tell no image: the size of the second header does."""
    size = int.from_bytes(data[14:18], "little")
    if size == 12:
        return "bmp", struct.unpack_from("<HH", data, 18)
    if size not in (40, 52, 56, 64, 108, 124):
        return "", None
    width, height = struct.unpack_from("<ii", data, 18)
    return "bmp", (width, abs(height))  # a negative height: the rows are written from the top


def _tiff(data: bytes) -> tuple[str, Size]:
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(order + "H", data, 2)[0] != 42:
        return "", None
    (at,) = struct.unpack_from(order + "I", data, 4)
    found: dict[int, int] = {}
    if at + 2 <= len(data):
        (entries,) = struct.unpack_from(order + "H", data, at)
        for n in range(min(entries, MAX_ENTRIES)):
            entry = data[at + 2 + 12 * n : at + 14 + 12 * n]
            if len(entry) < 12:
                break
            tag, kind = struct.unpack_from(order + "HH", entry)
            if tag in (256, 257) and kind in (3, 4):
                found[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), entry, 8)[0]
    return "tiff", (found[256], found[257]) if len(found) == 2 else None


def _boxes(data: bytes) -> tuple[str, Size]:
    """AVIF and HEIC. Of the sizes in them, which may be of tiles and thumbnails, the largest."""
    if data[4:8] != b"ftyp":
        return "", None
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 128)]
    if b"avif" in brands or b"avis" in brands:
        format = "avif"
    elif any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1")):
        format = "heic"
    else:
        return "", None
    sizes, at = [(0, 0)], 0
    while (at := data.find(b"ispe", at) + 4) > 3 and len(sizes) <= MAX_SIZES:
        if at + 12 <= len(data):
            width, height = struct.unpack_from(">II", data, at + 4)
            sizes.append((width, height))
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return format, (width, height)


_KINDS: dict[bytes, Callable[[bytes], tuple[str, Size]]] = {
    b"\xff\xd8": _jpeg,
    b"\x89P": _png,
    b"GI": _gif,
    b"RI": _webp,
    b"BM": _bmp,
    b"II": _tiff,
    b"MM": _tiff,
    b"\0\0": _boxes,
}
