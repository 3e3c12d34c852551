"""Rules that join several settings of alerts, for `agent.settings.rules`."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

from agent.settings.alerting import NAMES, Alerting, Alertmanager, Email, Slack
from agent.settings.units import SecretUrl

MOST = 16
"""Destinations."""
LONGEST_GROUP = 600.0
SHORTEST_REPEAT = 60.0
LONGEST_TIMEOUT = 300.0
MAX_SECRET = 64 << 10
"""Bytes of a file with a secret."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f-\x9f]+@[^\s@<>,;\x00-\x1f\x7f-\x9f]+")
Broken = tuple[str, str, str]


def broken(alerts: Alerting) -> Iterator[Broken]:
    """Path of the setting, what stands there, what to do."""
    availability = alerts.slo.availability
    if not 0.5 <= availability < 1:
        remedy = "50% at least, less than 100%: who promises all has no budget to burn; 99.9%, say"
        yield "alerts.slo.availability", repr(str(availability)), remedy
    if not alerts.slo.latency:
        yield "alerts.slo.latency", "'0s'", "must be longer than nothing: 1s, say, or off"
    if alerts.repeat < SHORTEST_REPEAT:
        yield "alerts.repeat", repr(str(alerts.repeat)), "1m at least: 4h, say, or off"
    if alerts.group > LONGEST_GROUP:
        yield "alerts.group", repr(str(alerts.group)), "10m at most: 30s, say"
    if alerts.limit.events < 1:
        yield "alerts.limit", repr(str(alerts.limit)), "one message at least: 20 per 1h, say"
    for name in alerts.off:
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, 1, 0.5)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(NAMES)}"
            yield "alerts.off", repr(name), f"is no alert; {hint}"
    if len(alerts.to) > MOST:
        yield "alerts.to", f"{len(alerts.to)} destinations", f"{MOST} at most"
    for name, one in alerts.to.items():
        path = f"alerts.to.{name}"
        if not 0 < one.timeout <= LONGEST_TIMEOUT:
            yield f"{path}.timeout", repr(str(one.timeout)), "more than 0s, 5m at most"
        if isinstance(one, Slack):
            yield from _slack(path, one)
        elif isinstance(one, Alertmanager):
            yield from _secret(path, "token", one.token, one.token_file)
        else:
            yield from _email(path, one)


def _slack(path: str, one: Slack) -> Iterator[Broken]:
    faults = [*_secret(path, "url", one.url, one.url_file)]
    yield from faults
    if not one.url and not one.url_file:
        remedy = "must be set, or url_file: the address that Slack shows for an incoming webhook"
        yield f"{path}.url", "null", remedy
    if one.url_file and not faults:
        try:
            SecretUrl(secret_of(one.url_file))
        except ValueError as error:
            yield f"{path}.url_file", repr(one.url_file), f"does not hold one: {error}"


def _email(path: str, one: Email) -> Iterator[Broken]:
    yield from _secret(path, "password", one.password, one.password_file)
    has_password = bool(one.password or one.password_file)
    if has_password != bool(one.user):
        lacks = "user" if has_password else "password"
        yield f"{path}.{lacks}", "null", "user and password go together"
    if has_password and one.tls == "none" and not _is_here(one.host):
        yield f"{path}.tls", "none", "a password would pass readably: starttls, or tls"
    for place, address in (("sender", one.sender), *(("to", to) for to in one.to)):
        if len(address) > 254 or not address.isascii() or not _ADDRESS.fullmatch(address):
            yield f"{path}.{place}", repr(address), "wanted an address like team@example.com"
    if re.search(r"[\s\x00-\x1f\x7f]", one.host):
        yield f"{path}.host", repr(one.host), "wanted a host like smtp.example.com"


def _secret(path: str, name: str, value: str | None, file: str | None) -> Iterator[Broken]:
    if value and file:
        yield f"{path}.{name}_file", repr(file), f"{name} is set too: take one of them out"
    elif file:
        try:
            secret_of(file)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            yield f"{path}.{name}_file", repr(file), f"cannot be used: {why}"


def secret_of(file: str) -> str:
    """What a file holds, without the space around it. Raises OSError, ValueError."""
    with Path(file).open("rb") as opened:
        data = opened.read(MAX_SECRET + 1)
    if len(data) > MAX_SECRET:
        raise ValueError("it is longer than 64KiB")
    text = data.decode("utf-8", "strict").strip()
    if not text or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("wanted one line of text")
    return text


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
