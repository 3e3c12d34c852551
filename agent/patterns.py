"""Personal data and credentials in text, told by their form and their check digits.

Rule: pure, and linear in the text. A pattern begins only where a word can begin and what repeats in
it is bounded or possessive (no way back), so that no text is read twice for one pattern.

Sources: ISO/IEC 7812 (card numbers, Luhn's check digit), ISO 13616 (IBAN, mod 97), E.164 (phones),
RFC 5322 (addresses, the part of it that is used), RFC 6750 and RFC 7519 (bearer tokens, JWT),
RFC 3986 section 3.2.1 (user and password in a URL).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

Length = Callable[[str], int]
"""How much of what was found, from its beginning, is what was looked for; 0: none of it."""


WINDOW, OVERLAP = 1024, 256


class Pattern(NamedTuple):
    """One kind of thing to be found."""

    name: str
    find: re.Pattern[str]
    accept: Length = len
    sign: str = ""
    """Without it in the text there is nothing to find; `0` is any digit, `7` seven near another."""

    bounded: bool = True
    """False: it may read its text twice, so it is shown WINDOW characters of it at a time."""

    def sub(self, text: str, put: Callable[[str], str]) -> str:
        """The text with `put(found)` for each one; the same object if there is none."""
        parts: list[str] = []
        done = at = 0
        search, size = self.find.search, len(text)
        window = size if self.bounded else WINDOW
        while at < size:
            found = search(text, at, at + window)
            begin = found.start() if found else at + window
            if at + window < size and begin >= at + window - OVERLAP:
                at += window - OVERLAP  # it may go on beyond the window
                continue
            if found is None:
                break
            length = self.accept(found[0])
            if not length:
                at = begin + 1
                continue
            at = begin + length
            parts += (text[done:begin], put(text[begin:at]))
            done = at
        return "".join((*parts, text[done:])) if done else text


_DIGIT = re.compile(r"\d").search
_NUMBER = re.compile(r"\d(?:\D{0,3}\d){6}").search


def signs(text: str) -> frozenset[str]:
    """Which signs the text has, to be asked once for all patterns."""
    found = ["", *(sign for sign in "@:." if sign in text)]
    if _DIGIT(text):
        found += ("0", "7") if _NUMBER(text) else ("0",)
    return frozenset(found)


# ---- what is accepted


def _prefixes(text: str) -> list[str]:
    """The whole, and what is left of it less its last group, less the last two …"""
    ends = [n for n, char in enumerate(text) if not char.isalnum()]
    return [text, *(text[:n] for n in reversed(ends))]


def luhn(digits: str) -> bool:
    """Whether the last digit is the others' check digit."""
    total = 0
    for n, char in enumerate(reversed(digits)):
        value = int(char) * (2 if n % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _issued(digits: str) -> bool:
    """Whether cards of so many digits begin so; dates and times, which begin with 20, do not."""
    size, first = len(digits), digits[0]
    if first == "2":
        return size == 16 and "2221" <= digits[:4] <= "2720"
    lengths = {"3": (14, 15, 16, 19), "4": (13, 16, 19), "5": (16, 18, 19), "6": (16, 17, 18, 19)}
    return size in lengths.get(first, ())


def _card(text: str) -> int:
    for part in _prefixes(text):
        digits = "".join(char for char in part if char.isdigit())
        if _issued(digits) and luhn(digits):
            return len(part)
    return 0


def mod97(iban: str) -> bool:
    """Whether the two check digits of an IBAN, written without spaces, are right."""
    turned = iban[4:] + iban[:4]
    try:
        return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
    except ValueError:
        return False


_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
    "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 "
    "HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 "
    "MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 "
    "RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
    "VA22 VG24 XK20 YE30 "
)
IBAN_LENGTHS = {item[:2]: int(item[2:]) for item in _LENGTHS.split()}
"""Characters without spaces, by country."""


def _iban(text: str) -> int:
    wanted = IBAN_LENGTHS.get(text[:2].upper(), 0)
    places = [n for n, char in enumerate(text) if char.isalnum()][:wanted]
    if not wanted or len(places) < wanted:
        return 0
    end = places[-1] + 1
    goes_on = text[end : end + 1].isalnum()
    return end if not goes_on and mod97("".join(text[n] for n in places)) else 0


_DECIMAL = re.compile(r"\+\d+\.\d+")


def _phone(text: str) -> int:
    return 0 if _DECIMAL.fullmatch(text) else len(text)


def _ip(text: str) -> int:
    """A network's `10.0.0.0` is nobody's; browsers write their version so, `Chrome/120.0.0.0`."""
    if text.endswith(".0.0.0"):
        return 0
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return 0
    return len(text) if text.strip(":") else 0


_MIXED = re.compile(r"\d|[a-z][A-Z]|[+/=_~]")


def _token(text: str) -> int:
    """Of `bearer securities` and `basic information` nothing: they are words."""
    scheme, _, word = text.partition(" ")
    if scheme.lower() not in ("bearer", "basic"):
        return len(text)
    return len(text) if len(word.strip()) >= 16 or _MIXED.search(word) else 0


# ---- what is looked for

URL_USER = Pattern("userinfo", re.compile(r"(?<=://)[^\s/@?#]++@"), sign="@")
TOKEN = Pattern(
    "token",
    re.compile(
        r"(?<![\w-])(?:"
        r"(?i:bearer|basic) {1,4}[\w.~+/=-]{6,}+"
        r"|eyJ[\w-]{8,}+(?:\.[\w-]++){0,4}"
        r"|(?:sk|pk|rk)[_-][\w-]{16,}+"
        r"|AKIA[0-9A-Z]{16}(?!\w)"
        r"|gh[pousr]_\w{20,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+|hf_\w{20,}+"
        r"|xox[a-z]-[\w-]{10,}+|AIza[\w-]{30,}+"
        r")"
        r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*+(?:-----END [A-Z ]{0,20}-----)?"
        r"|(?<![^\W_])(?i:password|passwd|pwd|secret|api[_-]?key|access[_-]?(?:key|token))"
        r"[\"']?\s{0,4}[=:]\s{0,4}[\"']?[^\s\"'&,;]++"
    ),
    _token,
)
EMAIL = Pattern(
    "email",
    re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@(?:[\w-]++\.){1,8}(?:xn--[\w-]++|[^\W\d_]{2,24})(?!\w)"),
    sign="@",
)
IBAN = Pattern(
    "iban",
    re.compile(r"(?<![^\W_])(?i:[a-z]{2})\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])"),
    _iban,
    sign="0",
)
CARD = Pattern(
    "card",
    re.compile(
        r"(?<!\d)(?<!\d[.])\d{4}[ .\u00a0-]?\d{4,6}[ .\u00a0-]?\d{4,5}(?:[ .\u00a0-]?\d{1,4}){0,2}"
        r"(?!\d)"
    ),
    _card,
    sign="7",
)
IPV4 = Pattern(
    "ip",
    re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"),
    _ip,
    sign=".",
)
IPV6 = Pattern(
    "ip",
    re.compile(
        r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:])"
    ),
    _ip,
    sign=":",
)
PHONE = Pattern(
    "phone",
    re.compile(
        r"(?<![\w+])\+(?:[ ().\u00a0/-]{0,2}\d){7,15}(?!\d)"
        r"|(?<!\w)00[1-9]\d{0,2}[ /-](?:[ ()/-]{0,2}\d){6,12}(?!\d)"
        r"|(?<![\w(])\(\d{2,5}\)[ -]?\d{2,4}[ -]?\d{3,8}(?!\d)"
        r"|(?<![\w.-])(?:1[ .-])?[2-9]\d\d([ .-])\d{3}\1\d{4}(?![\w-]|\.\d)"
        r"|(?<![\w.-])0\d{2,4}[/ -]\d{3,4}[ -]?\d{3,5}(?!\w)"
    ),
    _phone,
    sign="7",
)

BUILT_IN = (URL_USER, TOKEN, EMAIL, IBAN, CARD, IPV6, IPV4, PHONE)
"""In the order in which they are to be looked for: an IBAN has digits that look like a card's."""


def looks_personal(text: str) -> bool:
    """Whether any of them is found in it."""
    here = signs(text)
    found = (pattern for pattern in BUILT_IN if pattern.sign in here)
    return any(pattern.sub(text, lambda _: "") is not text for pattern in found)
