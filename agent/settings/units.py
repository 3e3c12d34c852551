"""Values as people write them: durations, sizes, addresses, URLs, rates.

Rule: each is a subclass of the plain value that the program computes with (a float of seconds, an
int of bytes, the text itself), its constructor takes what stands in a config file or a variable,
and raises `ValueError` that says what it wanted. `str()` of it gives the text back.
"""

from __future__ import annotations

import ipaddress
import math
import re
from typing import ClassVar
from urllib.parse import urlsplit

NO_LIMIT = 2**63 - 1
"""A `Size` that is off, in bytes."""

_SECONDS = {
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,12})?)\s*(%?)", re.ASCII)
_ADDRESS = re.compile(r"(\[([0-9A-Fa-f:.]+)\]|[^\[\]:/@\s]*):(\d{1,5})", re.ASCII)


class Duration(float):
    """Seconds; `off` is infinity. Written `250ms`, `2s`, `5m`, `30d`; a bare number is seconds."""

    WANTED: ClassVar[str] = "a duration like 250ms, 2s, 5m, 30d, or off"

    def __new__(cls, value: object) -> Duration:
        return super().__new__(cls, _duration(value))

    def __str__(self) -> str:
        if math.isinf(self):
            return "off"
        for unit in ("d", "h", "m"):
            if self and not self % _SECONDS[unit]:
                return f"{self / _SECONDS[unit]:.0f}{unit}"
        return f"{self * 1000:.12g}ms" if 0 < self < 1 else f"{float(self):.12g}s"


class Size(int):
    """Bytes; `off` is `NO_LIMIT`. Written `64KiB`, `1MiB`, `10MB`; a bare number is bytes."""

    WANTED: ClassVar[str] = "a size like 64KiB, 1MiB, 512, or off"

    def __new__(cls, value: object) -> Size:
        return super().__new__(cls, _size(value))

    def __str__(self) -> str:
        if self == NO_LIMIT:
            return "off"
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if self and not self % _BYTES[unit]:
                return f"{self // _BYTES[unit]}{unit}"
        return format(int(self), "d")


class Rate(str):
    """So many in a while, such as `1 per 30d`. `events` a number, `period` in seconds."""

    WANTED: ClassVar[str] = "a rate like 1 per 30d"
    events: float
    period: float

    def __new__(cls, value: object) -> Rate:
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s+per\s+(\S+)\s*", str(value))
        if not found or not isinstance(value, str) or not float(found[1]):
            raise ValueError(f"wanted {cls.WANTED}")
        rate = super().__new__(cls, value)
        try:
            rate.events, rate.period = float(found[1]), _duration(found[2])
        except ValueError:
            raise ValueError(f"wanted {cls.WANTED}") from None
        if not rate.period or math.isinf(rate.period):
            raise ValueError(f"wanted {cls.WANTED}")
        return rate

    @property
    def per_second(self) -> float:
        """Events a second."""
        return self.events / self.period


class Share(float):
    """A part of a whole, 0 to 1. Written `99.9%`; a bare number is the part itself."""

    WANTED: ClassVar[str] = "a share like 99.9% or 0.999"

    def __new__(cls, value: object) -> Share:
        found = _SHARE.fullmatch(value.strip() if isinstance(value, str) else repr(value))
        if isinstance(value, bool) or not isinstance(value, int | float | str) or not found:
            raise ValueError(f"wanted {cls.WANTED}")
        # Rounded, so that 99.9% is 0.999 and not the float beside it.
        share = round(float(found[1]) / (100 if found[2] else 1), 14)
        if share > 1:
            raise ValueError(f"wanted {cls.WANTED}")
        return super().__new__(cls, share)

    def __str__(self) -> str:
        return f"{self * 100:.12g}%"


class Address(str):
    """A socket to listen on: `127.0.0.1:8900`, `[::1]:8900`, or `:8900` for all addresses.

    `host` has no brackets and is empty for all addresses; `port` 0 lets the kernel choose.
    """

    WANTED: ClassVar[str] = "HOST:PORT like 127.0.0.1:8900, [::1]:8900 or :8900"
    host: str
    port: int

    def __new__(cls, value: object) -> Address:
        found = _ADDRESS.fullmatch(str(value))
        if not isinstance(value, str) or not found or int(found[3]) > 65535:
            raise ValueError(f"wanted {cls.WANTED}")
        if found[2]:
            ipaddress.IPv6Address(found[2])
        address = super().__new__(cls, value)
        address.host, address.port = found[2] or found[1], int(found[3])
        return address


class Url(str):
    """An `http://` or `https://` URL without query or fragment. `host` has no brackets."""

    WANTED: ClassVar[str] = "a URL like http://127.0.0.1:3100"
    scheme: str
    host: str
    port: int
    path: str
    """The base path: empty, or begins with `/` and does not end with one."""

    def __new__(cls, value: object) -> Url:
        url = super().__new__(cls, value if isinstance(value, str) else "")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise ValueError(f"wanted {cls.WANTED}, with no space in it")
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ValueError(f"wanted {cls.WANTED}, without ? or #")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"wanted {cls.WANTED}")
        url.scheme, url.host = parts.scheme, parts.hostname
        url.port = parts.port if parts.port is not None else 443 if url.tls else 80
        url.path = parts.path.rstrip("/")
        if "@" in parts.netloc:
            raise ValueError(f"wanted {cls.WANTED}, without a user name or password in it")
        return url

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"


class Upstream(Url):
    """The model server: a `Url`, or `unix:///run/model.sock`.

    Of a Unix socket `scheme` is `unix`, `path` and `host` are empty, `port` is 0.
    """

    WANTED: ClassVar[str] = (
        "a URL like http://127.0.0.1:8000, https://model:8443/base or unix:///run/model.sock"
    )
    socket: str
    """Path of the Unix socket; empty over TCP."""

    def __new__(cls, value: object) -> Upstream:
        if not isinstance(value, str) or not value.startswith("unix:"):
            upstream = super().__new__(cls, value)
            assert isinstance(upstream, Upstream)
            upstream.socket = ""
            return upstream
        found = re.fullmatch(r"unix://(/[^\0\s]+)", value)
        if not found:
            raise ValueError(f"wanted {cls.WANTED}")
        upstream = str.__new__(cls, value)
        upstream.scheme, upstream.socket = "unix", found[1]
        upstream.host, upstream.port, upstream.path = "", 0, ""
        return upstream


class Network(str):
    """An address or a network of them: `10.0.0.0/8`, `::1`."""

    WANTED: ClassVar[str] = "an address or network like 10.0.0.0/8 or ::1"

    def __new__(cls, value: object) -> Network:
        try:
            ipaddress.ip_network(value if isinstance(value, str) else "")
        except ValueError as error:
            raise ValueError(f"wanted {cls.WANTED} ({error})") from None
        return super().__new__(cls, value)


class Secret(str):
    """A text that is never shown: its `repr` hides it."""

    WANTED: ClassVar[str] = "a text, in quotes if it looks like a number"

    def __new__(cls, value: object) -> Secret:
        if not isinstance(value, str) or not value:
            raise ValueError(f"wanted {cls.WANTED}")
        return super().__new__(cls, value)

    def __repr__(self) -> str:
        return "'***'"


class SecretUrl(Secret):
    """An `http://` or `https://` URL, of which anything may be secret; never shown."""

    WANTED: ClassVar[str] = "a URL like https://hooks.slack.com/services/…"

    def __new__(cls, value: object) -> SecretUrl:
        text = value if isinstance(value, str) else ""
        try:
            parts = urlsplit(text)
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            is_url = False
        if not is_url or re.search(r"[^\x21-\x7e]", text):
            raise ValueError(f"wanted {cls.WANTED}")
        return str.__new__(cls, text)


def _quantity(value: object, units: dict[str, float] | dict[str, int], bare: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    found = _QUANTITY.fullmatch(value.strip() if isinstance(value, str) else repr(value))
    if not found or (found[2] or bare) not in units:
        raise ValueError
    return float(found[1]) * units[found[2] or bare]


def _duration(value: object) -> float:
    if value == "off" or isinstance(value, Duration):
        return math.inf if value == "off" else float(value)
    try:
        return _quantity(value, _SECONDS, "s")
    except ValueError:
        raise ValueError(f"wanted {Duration.WANTED}") from None


def _size(value: object) -> int:
    if value == "off" or isinstance(value, Size):
        return NO_LIMIT if value == "off" else int(value)
    try:
        number = _quantity(value, _BYTES, "B")
    except ValueError:
        raise ValueError(f"wanted {Size.WANTED}") from None
    if number != int(number) or number > NO_LIMIT:
        raise ValueError(f"wanted {Size.WANTED}")
    return int(number)
