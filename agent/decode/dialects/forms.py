"""HTML forms: `application/x-www-form-urlencoded` and `multipart/form-data`.

Sources: the URL standard's form parser, RFC 7578 and RFC 2046. A form is one row. Numbers are read
as such; a field that is sent twice is numbered; a JSON part is flattened as JSON is. Of a file
`NAME.filename` and `NAME.size` (bytes) are kept, and of an image its facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from agent.decode.bodies.message import Message
from agent.decode.bodies.text import parse
from agent.decode.images.facts import Facts, of_bytes, of_text
from agent.decode.payload import MAX_COLUMNS, MAX_STRING, Cut, Refused, Side, Value, from_rows
from agent.decode.shapes import answers, delimited
from agent.exchange import field

NAME = "form"

_PLAIN, _PARTS = b"application/x-www-form-urlencoded", b"multipart/form-data"
_BOUNDARY = re.compile(rb'boundary="?([^";\s]{1,70})', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="?([^";]*)', re.IGNORECASE)
_FILE = re.compile(rb'[;\s]filename\*?="?([^";]*)', re.IGNORECASE)
_TYPE = re.compile(rb"^content-type:\s*([^;\s]+)", re.IGNORECASE | re.MULTILINE)
_LONGEST = 12 * MAX_STRING
"""Bytes of which the first MAX_STRING characters are in any case."""
_MAX_HEAD = 4096
"""Bytes of a part's head; what is behind is not looked at."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    if asked.is_like_json:
        return ""
    if asked.kind == _PARTS and asked.raw[:2] in (b"--", b"\r\n"):
        return "a multipart form"
    if asked.kind == _PLAIN and b"=" in asked.raw[:_MAX_HEAD]:
        return "an encoded form"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    if asked.kind == _PARTS:
        fields, left_out = _parts(asked)
    else:
        *pairs, rest = asked.raw.split(b"&", MAX_COLUMNS)
        left_out = rest.count(b"&") + 1 if len(pairs) == MAX_COLUMNS else 0
        fields = _pairs(pairs if left_out else [*pairs, rest])
    found = from_rows([_row(fields)], "input")
    return Side(found.columns, found.rows, found.left_out + left_out)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)


def _row(fields: Iterable[tuple[str, object]]) -> dict[str, object]:
    """One row; several values of one name are a list."""
    row: dict[str, list[object]] = {}
    for name, value in fields:
        row.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in row.items()}


def _pairs(pairs: Iterable[bytes]) -> Iterator[tuple[str, object]]:
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if name:
            yield _unquoted(name[:_LONGEST]), _value(value)


def _value(quoted: bytes) -> Value:
    if len(quoted) <= _LONGEST:
        return delimited.cell(_unquoted(quoted))
    # Only what is kept is decoded: a mebibyte of %41 would take a thousand times what a plain one
    # takes. Its length in characters: a byte that goes on with one has no own.
    kept = Cut(_unquoted(quoted[:_LONGEST]))
    further = sum(map(quoted.count, (b"%8", b"%9", b"%a", b"%A", b"%b", b"%B")))
    kept.length = len(quoted) - 2 * quoted.count(b"%") - further
    return kept


def _unquoted(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def _parts(asked: Message) -> tuple[Iterable[tuple[str, object]], int]:
    found = _BOUNDARY.search(field(asked.fields, b"content-type") or b"")
    if found is None:
        raise Refused("malformed", "the content type names no boundary")
    mark = b"\r\n--" + found[1]
    parts = (b"\r\n" + asked.raw).split(mark, MAX_COLUMNS + 1)[1:]
    if not parts:
        raise Refused("malformed", "its boundary is not in it")
    left_out = parts.pop().count(mark) if len(parts) > MAX_COLUMNS else 0
    return [pair for part in parts for pair in _part(part)], left_out


def _part(part: bytes) -> Iterator[tuple[str, object]]:
    if part[:2] == b"--":  # the end, and what may follow it
        return
    end = part.find(b"\r\n\r\n", 0, _MAX_HEAD)
    if end < 0:
        raise Refused("malformed", "a part's head does not end")
    head, size = part[:end], len(part) - end - 4
    name = _NAME.search(head)
    if name is None:
        return
    called = name[1].decode("utf-8", "replace")
    file = _FILE.search(head)
    if file is not None:
        yield f"{called}.filename", delimited.cell(file[1].decode("utf-8", "replace"))
        yield f"{called}.size", size
        yield from _image(called, of_bytes(part[end + 4 :]), but="bytes")
        return
    kind = _TYPE.search(head.lstrip())
    if kind is not None and kind[1].lower() == b"application/json":
        yield called, parse(part[end + 4 :], [])
    else:
        text = part[end + 4 :].decode("utf-8", "replace")
        facts = of_bytes(part[end + 4 :]) or of_text(text)
        if facts is None:
            yield called, delimited.cell(text)
        yield from _image(called, facts)


def _image(called: str, facts: Facts | None, but: str = "") -> Iterator[tuple[str, object]]:
    for name, value in (facts or {}).items():
        if name != but:
            yield f"{called}.{name}", value
