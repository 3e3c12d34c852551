"""Which category names are kept as keyed hashes, and how they are found again.

Rule: one name that looks private hides all names of its column, so that a column is either wholly
readable or not at all. What looks private is told by form alone: names of people are not.

A hash is BLAKE2b's keyed mode (RFC 7693) over the name in UTF-8, shown as `#` and 12 hex digits.
The key is random, of one column, and stored beside the hashes: names cannot be read, and no table
made beforehand finds them, but who has the file can test guesses.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from hashlib import blake2b

from agent.patterns import looks_personal

LONG = 64
"""Characters; a longer name is hidden."""
KEY = re.compile(r"[0-9a-f]{32}")
HASH = re.compile(r"#[0-9a-f]{12}")
"""How a hidden name looks; a name that looks so in clear is hidden too, so there is no doubt."""
_BYTES = 6

_EMAIL = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:.*)?)?")
_HEX = re.compile(r"[#{(]?(?=[^\d]*\d)[0-9a-f](?:[-:]?[0-9a-f]){11,}[)}]?", re.IGNORECASE)
"""12 digits or more, one of them decimal: UUIDs, hashes, hardware addresses."""
_DIGITS = re.compile(r"\d{8,}")
_PHONE = re.compile(r"[+(]?\d(?:[ ()/.-]*\d){8,}|[+(]\d(?:[ ()/.-]*\d){6,}")
"""Also cards' and social security numbers: 9 digits or more with what people put between them."""
_RANGE = re.compile(r"([1-9]?\d+) ?- ?(\d+)")
_DECIMAL = re.compile(r"\d+\.\d+")
_MIXED = re.compile(r"(?=.*[^\W\d_])(?:\S*\d{5}\S*)")
"""Letters, and five digits in a row, such as `user-48213`."""
_BORDER = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_BORDERS, _SHORTEST = 4, 8
"""So often letters and digits meet, in a name of so many characters, that is random: `8f3a9c2e`."""


def looks_private(name: str) -> bool:
    """Whether it looks like an e-mail address, an id, a phone's or card's number, or is long, or
    has in it what redaction would hide in a log."""
    if len(name) > LONG:
        return True
    text = name.strip()
    if _ISO.fullmatch(text):
        return False
    return bool(
        _EMAIL.search(text)
        or _HEX.fullmatch(text)
        or _DIGITS.fullmatch(text)
        or _MIXED.fullmatch(text)
        or _is_phone(text)
        or _is_random(text)
        or looks_personal(text)
    )


def new_key() -> str:
    """16 random bytes in hex."""
    return secrets.token_hex(16)


def hidden(names: Sequence[str], key: str) -> list[str]:
    """The names as hashes under this key."""
    hasher = Hasher(key)
    return [hasher(name) for name in names]


class Hasher:
    """Hashes under one key."""

    def __init__(self, key: str) -> None:
        self._keyed = blake2b(key=bytes.fromhex(key), digest_size=_BYTES)

    def __call__(self, name: str) -> str:
        """Of one name, be it half a surrogate pair, which is no text. Measured: 0.8 µs."""
        one = self._keyed.copy()
        one.update(name.encode("utf-8", "surrogatepass"))
        return f"#{one.hexdigest()}"


def _is_phone(text: str) -> bool:
    if not _PHONE.fullmatch(text) or _DECIMAL.fullmatch(text):
        return False
    between = _RANGE.fullmatch(text)
    if between is None:
        return True
    low, high = between.groups()  # such as 10000-25000
    return not (int(low) < int(high) and len(high) - len(low) < 2)


def _is_random(text: str) -> bool:
    if len(text) < _SHORTEST or " " in text:
        return False
    return len(_BORDER.findall(text)) >= _BORDERS
