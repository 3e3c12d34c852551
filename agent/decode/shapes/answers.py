"""An answer of no particular form to named columns: JSON, JSON Lines, CSV or plain text.

Rule: the bytes decide, the media type only where they leave a doubt; servers often name a wrong
one. An answer is read against the request's rows: a list as long as those is one value a row.
"""

from __future__ import annotations

from agent.decode.bodies import lines
from agent.decode.bodies.message import NO_JSON, Message
from agent.decode.bodies.text import parse
from agent.decode.names import VERSIONS
from agent.decode.payload import Refused, Side, Value, cut, from_columns, from_rows
from agent.decode.shapes import delimited, frames
from agent.decode.shapes.frames import is_list_of
from agent.decode.shapes.ranking import ranked

OUTPUT = "output"
"""The name of what has none."""
MAX_UNWRAPPED = 3
"""Objects around the one that has the rows."""
_NO_TEXT = "it is neither JSON nor text"
_JOB = frozenset(("metrics", "delayTime", "executionTime", "logs", "started_at"))
"""Keys of which one stands in what Cog, Replicate and RunPod say about a job, beside `status`."""
_TEXTS = (b"", b"text/plain", b"text/csv", b"application/octet-stream", b"application/csv")


def read(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    if answer.kind in lines.KINDS:
        return from_rows(lines.documents(answer.raw), OUTPUT)
    if not answer.is_like_json and answer.kind in _TEXTS:
        return _text(answer, rows)
    document = answer.document
    if document is NO_JSON and answer.is_like_json and b"\n" in answer.raw.strip():
        return from_rows(lines.documents(answer.raw), OUTPUT)
    return of_document(_twice(answer.json()), rows)


def of_document(document: object, rows: int) -> Side:
    """The same of a JSON document."""
    for _ in range(MAX_UNWRAPPED):
        if isinstance(document, list):
            found = ranked(document, rows)
            if found is not None:
                return found
            are_rows = len(document) == rows or is_list_of(document, (list, dict))
            return from_rows(document if are_rows else [document], OUTPUT)
        if not isinstance(document, dict):
            return from_rows([document], OUTPUT)
        if "output" in document and "status" in document and not _JOB.isdisjoint(document):
            document = {"output": document["output"]}  # a job's times and names are no outputs
        nested: list[object] = [
            value for value in document.values() if isinstance(value, (dict, list))
        ]
        if not _is_wrapped_row(document, nested, rows):
            found = (frames.sole(document) if nested else None) or _paired(document, rows)
            if found is not None and found.columns:
                return found
        inner = [value for value in nested if isinstance(value, dict)]
        if len(inner) != 1:
            break
        document = inner[0]
    raise Refused("unsupported", f"nothing in it is a list of {rows}, as there were rows")


def _twice(document: object) -> object:
    """A document that was written as JSON twice: Azure's and Flask's scripts give texts of it."""
    if not isinstance(document, str) or document[:1] not in ("{", "["):
        return document
    try:
        return parse(document.encode("utf-8", "replace"), [])
    except Refused:
        return document


def _is_wrapped_row(document: dict[str, object], nested: list[object], rows: int) -> bool:
    """Whether an object's one value has a list of one value under each key: it is gone into for
    several rows too, and one row's columns are called as those of several."""
    if rows != 1 or len(document) != 1 or not nested or not isinstance(nested[0], dict):
        return False
    return {len(v) if isinstance(v, list) else 0 for v in nested[0].values()} == {1}


def _paired(document: dict[str, object], rows: int) -> Side | None:
    """Of an object with lists as long as there are rows; None if that of several rows has none.

    A list of objects are the rows themselves, whatever it is called, if there is but one.
    """
    document = {name: value for name, value in document.items() if name not in VERSIONS}
    paired: dict[str, list[object]] = {
        name: value
        for name, value in document.items()
        if isinstance(value, list) and len(value) == rows
    }
    objects = [name for name, values in paired.items() if is_list_of(values, dict)]
    if rows != 1 and not objects:
        return from_columns({**paired}) if paired else None
    alone = objects[0] if len(objects) == 1 else None
    base = document if rows == 1 else {}
    found: list[object] = []
    for n in range(rows):
        # A list of one is the row's value itself, whatever nests in it.
        row = base | {name: values[n] for name, values in paired.items()}
        inner = row.get(alone) if alone is not None else None
        if isinstance(inner, dict):
            del row[alone]  # type: ignore[arg-type]
            row |= inner
        found.append(row)
    return from_rows(found, OUTPUT)


def _text(answer: Message, rows: int) -> Side:
    """CSV, or lines of text."""
    numbers = delimited.numbers(answer.raw)
    if numbers is not None:
        first = numbers[0]
        if isinstance(first, list) and len(numbers) == 1 < rows == len(first):
            return from_rows(first, OUTPUT)  # older servers write all rows in one line
        return from_rows(numbers, OUTPUT)
    if answer.kind in (b"text/csv", b"application/csv"):
        return delimited.table(answer.raw, OUTPUT)
    try:
        text = answer.raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Refused("unsupported", _NO_TEXT) from None
    if not text.isprintable() and answer.kind != b"text/plain":
        raise Refused("unsupported", _NO_TEXT)
    values = [delimited.cell(line) for line in text.splitlines()]
    one: list[Value] = [cut(text) if len(values) > 1 else values[0]] if values else []
    return from_rows(values if len(values) == rows else one, OUTPUT)
