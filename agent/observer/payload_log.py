"""`input` and `output` of a log record: a captured body as people may see it.

Rule: a JSON body as compact JSON that has passed the rules of redaction, whatever else by kind and
size; bounded in what is read and in what is written. Only what was captured is shown, and nothing
of a kind that the rules cannot look into.

Theory. The document is written and redacted in one walk, which ends when the text is full: what
would not be shown costs nothing but its parsing. A text is looked at with a margin beyond what is
shown of it, so that no number is cut before it was recognised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from agent.decode.bodies.text import content, parse
from agent.decode.payload import Refused
from agent.exchange import Exchange, Fields, field
from agent.observer.redact import SECRET, PathRule, Put, Redactor

MARGIN = 256
"""Characters of a cut text that are looked at and not shown."""
MAX_DEPTH = 64
"""Levels of nesting that are shown."""
CUT = "…"
_KIND = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,60}", re.ASCII)
_PERSONAL = 10**7
"""Lesser numbers are no card's."""

_encode = msgspec.json.encode
Body = tuple[bytes, bytes, int] | None
Places = tuple[tuple[PathRule, int], ...]
"""Rules, each with the step of it that is to come."""


class PayloadLog:
    """Makes the two fields of exchanges."""

    def __init__(self, redactor: Redactor, limit: int) -> None:
        """`limit`: bytes of one field, less its mark."""
        self._redactor = redactor
        self._limit = limit

    def __call__(self, x: Exchange) -> dict[str, str] | None:
        """`input` and `output`, each absent if the body is empty; None if there was no capture."""
        if x.capture != "full":
            return None
        made = {}
        if x.request_size:
            made["input"] = self._shown(x.request_body, x.request_fields, x.request_size)
        if x.response_size:
            made["output"] = self._shown(x.response_body, x.response_fields, x.response_size)
        self._redactor.count()
        return made

    def _shown(self, body: Body, fields: Fields, size: int) -> str:
        try:
            document = parse(content(body, fields), fields)
        except Refused:
            named = (field(fields, b"content-type") or b"").partition(b";")[0].strip()
            kind = named.decode("latin-1").lower()
            kind = self._redactor.name(kind) if _KIND.fullmatch(kind) else "unknown kind"
            return f"{kind}, {size} bytes"
        text, whole = Writer(self._redactor, self._limit).written(document)
        return text if whole else f"{text}{CUT} ({size} bytes in all)"


class _FullError(Exception):
    """There is no more room."""


class Writer:
    """Writes one document."""

    def __init__(self, redactor: Redactor, limit: int) -> None:
        """`limit`: bytes."""
        self._redactor = redactor
        self._limit = limit
        self._size = 0
        self._parts: list[str] = []

    def written(self, document: object) -> tuple[str, bool]:
        """The text, and whether it is the whole document."""
        places: Places = tuple((rule, 0) for rule in self._redactor.paths)
        whole = True
        try:
            self._value(document, places, None, MAX_DEPTH)
        except _FullError:
            whole = False
        data = "".join(self._parts).encode("utf-8", "replace")
        return data[: self._limit].decode("utf-8", "ignore"), whole and len(data) <= self._limit

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > self._limit:
            raise _FullError

    def _value(self, value: object, places: Places, put: Put | None, depth: int) -> None:
        """`put`: what becomes of all scalars in it, whatever they are."""
        if isinstance(value, str):
            self._text(value, put)
        elif isinstance(value, dict):
            self._object(value, places, put, depth)
        elif isinstance(value, list):
            self._array(value, places, put, depth)
        else:
            self._scalar(value, put)

    def _scalar(self, value: object, put: Put | None) -> None:
        if put is not None and value is not None:
            self._add(_quoted(put(_plain(value))))
            return
        if isinstance(value, int | float) and abs(value) >= _PERSONAL and value == value // 1:
            digits = str(int(value))
            if self._redactor.text(digits) != digits:
                self._text(digits, None)
                return
        self._add(_plain(value))

    def _text(self, value: str, put: Put | None) -> None:
        if put is not None:
            self._add(_quoted(put(value)))
            return
        room = self._limit - self._size + MARGIN
        clean = self._redactor.text(value[: room + MARGIN])
        if len(value) > room + MARGIN:
            self._parts.append(_quoted(clean[:-MARGIN])[:-1])
            raise _FullError
        self._add(_quoted(clean))

    def _array(self, items: list[Any], places: Places, put: Put | None, depth: int) -> None:
        self._add("[")
        for n, item in enumerate(items):
            if n:
                self._add(",")
            self._item(item, n, places, put, depth)
        self._add("]")

    def _object(self, members: dict[Any, Any], places: Places, put: Put | None, depth: int) -> None:
        columns = self._redactor.columns
        named = columns.get(str(members.get("name"))) if columns else None
        table = _by_place(members.get("columns"), columns, self._limit) if columns else None
        self._add("{")
        for n, (key, item) in enumerate(members.items()):
            name = str(key)
            self._add(f"{',' if n else ''}{_quoted(self._redactor.name(name))}:")
            own = put or columns.get(name)
            if own is None and name == "data":  # of a tensor, or of a table whose head is apart
                own = named
                if own is None and table and isinstance(item, list):
                    self._table(item, table, depth)
                    continue
            if own is None and isinstance(item, str) and SECRET.search(name):
                own = self._redactor.secret
            self._item(item, name, places, own, depth)
        self._add("}")

    def _table(self, rows: list[Any], table: Mapping[int, Put], depth: int) -> None:
        self._add("[")
        for n, row in enumerate(rows):
            cells = row if isinstance(row, list) else [row]
            self._add(",[" if n else "[")
            for place, cell in enumerate(cells):
                if place:
                    self._add(",")
                self._item(cell, place, (), table.get(place), depth - 2)
            self._add("]")
        self._add("]")

    def _item(
        self, item: object, key: str | int, places: Places, put: Put | None, depth: int
    ) -> None:
        if depth <= 0:
            self._add(_quoted(CUT))
            return
        if places and put is None:
            places, put = _stepped(places, key)
        self._value(item, places, put, depth - 1)


def _by_place(names: object, columns: Mapping[str, Put], limit: int) -> dict[int, Put]:
    """Which columns of a table are hidden, by its head; one that is not shown is not looked at."""
    if not isinstance(names, list):
        return {}
    named = (
        (n, columns.get(name)) for n, name in enumerate(names[:limit]) if isinstance(name, str)
    )
    return {n: put for n, put in named if put is not None}


def _stepped(places: Places, key: str | int) -> tuple[Places, Put | None]:
    """Which steps are to come below `key`, and what becomes of what stands there."""
    further: dict[tuple[int, int], tuple[PathRule, int]] = {}
    for rule, at in places:
        step = rule.steps[at]
        if step.deep:
            further[id(rule), at] = (rule, at)
        if step.key is None or step.key == key:
            if at + 1 == len(rule.steps):
                return (), rule.put
            further[id(rule), at + 1] = (rule, at + 1)
    return tuple(further.values()), None


def _plain(value: object) -> str:
    """A scalar as JSON."""
    try:
        return _encode(value).decode()
    except (OverflowError, ValueError):  # an integer beyond 64 bits
        short = isinstance(value, int) and value.bit_length() < 1024
        return str(value) if short else _quoted(CUT)


def _quoted(text: str) -> str:
    try:
        return _encode(text).decode()
    except UnicodeEncodeError:  # half a surrogate pair
        return _encode(text.encode("utf-8", "replace").decode()).decode()
