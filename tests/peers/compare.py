"""What a proxy changed in a message, in words.

Rule: pure. Byte for byte, but for what RFC 9110 section 7.6.1 has every proxy take out of a head
(fields of one connection) and for the framing that RFC 9112 section 6 leaves to each hop.
"""

from __future__ import annotations

from collections.abc import Collection

from tests.wire import Fields, Message

HOP = (b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade")


def end_to_end(fields: Fields) -> Fields:
    """Fields that are for the other end."""
    return [(name, value) for name, value in fields if name.lower() not in HOP]


def _by_name(fields: Fields) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return found


def added(before: Fields, after: Fields) -> set[bytes]:
    """Names, in lower case, that were not there."""
    return {*_by_name(end_to_end(after))} - {*_by_name(end_to_end(before))}


def _named(name: bytes) -> str:
    return f"`{name.decode('latin-1')}`"


def _values(name: bytes, before: list[bytes], after: list[bytes]) -> str:
    if before == after:
        return ""
    if not after:
        return f"{_named(name)} gone"
    if after == [b", ".join(before)] or after == [b"; ".join(before)]:
        return f"{_named(name)} joined into one"
    if len(after) < len(before):
        return f"{_named(name)}: {len(after)} of {len(before)} left"
    return f"{_named(name)} changed"


def fields(before: Fields, after: Fields, usual: Collection[bytes], strict: bool) -> list[str]:
    """Changes of fields. `usual`: names whose addition is no news; `strict`: case and order too."""
    before, after = end_to_end(before), end_to_end(after)
    own, got = _by_name(before), _by_name(after)
    told = [_values(name, values, got.get(name, [])) for name, values in own.items()]
    news = sorted(added(before, after) - {*usual})
    told += [f"{_named(name)} added" for name in news]
    if strict:
        told += _spelling(
            [(name, value) for name, value in before if own[name.lower()] == got.get(name.lower())],
            [(name, value) for name, value in after if own.get(name.lower()) == got[name.lower()]],
        )
    return _few([one for one in told if one])


def _spelling(before: Fields, after: Fields) -> list[str]:
    """Of fields that kept their values: whether their names or their order changed."""
    told = []
    if {name for name, _ in before} != {name for name, _ in after}:
        told.append("names respelled")
    if [name.lower() for name, _ in before] != [name.lower() for name, _ in after]:
        told.append("reordered")
    return told


def _few(told: list[str]) -> list[str]:
    return told if len(told) <= 3 else [*told[:2], f"{len(told) - 2} more changes"]


def requests(sent: Message, seen: Message, usual: Collection[bytes], strict: bool) -> list[str]:
    """What changed between the client and the origin."""
    told = []
    if seen.method != sent.method:
        told.append(f"method {seen.method.decode()}")
    if seen.target != sent.target:
        told.append(f"target `{seen.target.decode()[:60]}`")
    told += fields(sent.fields, seen.fields, usual, strict)
    return told + _bodies(sent, seen)


def responses(sent: Message, got: Message, usual: Collection[bytes], strict: bool) -> list[str]:
    """What changed between the origin and the client."""
    told = []
    if got.status != sent.status:
        return [f"status {got.status}"]
    if got.reason != sent.reason:
        told.append(f"reason {got.reason.decode('latin-1')!r}")
    if [one.status for one in got.interim] != [one.status for one in sent.interim]:
        told.append(f"interim {[one.status for one in got.interim] or 'none'}")
    else:
        for one, other in zip(sent.interim, got.interim, strict=True):
            told += fields(one.fields, other.fields, usual, strict)
    told += fields(sent.fields, got.fields, usual, strict)
    return told + _bodies(sent, got)


def _bodies(before: Message, after: Message) -> list[str]:
    told = []
    if after.body != before.body:
        told.append("body changed")
    if before.framing == "chunked" and after.framing not in ("chunked", "close"):
        told.append(f"chunked became {after.framing}")
    if after.trailers != before.trailers:
        told.append("trailers gone" if not after.trailers else "trailers changed")
    return told
