"""Plain JSON: an object is a row, a list of objects is rows, `columns` + `data` is a table.

What FastAPI, BentoML and hand-written servers speak. How a request is read, first rule that fits:

1. a list: its items are rows (a list of numbers is one row);
2. an object with a table in it, under whichever key (`frames`); Azure ML's `Inputs`;
3. an object with a list of objects in it: those are the rows;
4. an object with one list, which is of lists: those are the rows;
5. an object of two or more lists of one length: columns; so too if it is the one value of another;
6. any other object: one row, nested objects with dotted names.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.payload import MAX_NAME, Refused, Side, from_columns, from_rows
from agent.decode.shapes import answers, frames
from agent.decode.shapes.frames import is_list_of

NAME = "tabular"
PLAIN = "JSON of no other form"
"""The evidence: there is none better."""

_NESTED = frozenset((list, dict))
_AZURE, _WATSON = "Inputs", "input_data"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect: it is JSON, and no other's."""
    return PLAIN if isinstance(asked.document, (dict, list)) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    if isinstance(document, list):
        return from_rows(_rows(document), "input")
    if not isinstance(document, dict) or not document:
        raise Refused("unsupported")
    kinds = set(map(type, document.values()))
    if _NESTED.isdisjoint(kinds):
        return from_rows([document], "input")
    found = frames.held(document) if frames.may_hold(asked.raw) else None
    found = found or _wrapped(document)
    if found is not None:
        return found
    if list not in kinds:
        return _frame(document) or from_rows([document], "input")
    lists = [(name, value) for name, value in document.items() if isinstance(value, list)]
    for name, value in lists:
        if is_list_of(value, dict) or (len(lists) == 1 and is_list_of(value, list)):
            return from_rows(value, name[:MAX_NAME])
    if _are_columns(document):
        return from_columns(document)
    return from_rows([document], "input")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)


def _wrapped(document: dict[str, object]) -> Side | None:
    """Of rows that stand under keys with which services wrap them."""
    inner = document.get(_AZURE)
    if isinstance(inner, dict) and len(inner) == 1:
        (rows,) = inner.values()
        return from_rows(rows, "input") if is_list_of(rows, dict) else None
    inputs = document.get(_WATSON)
    if is_list_of(inputs, dict) and len(inputs) == 1 and inputs[0].keys() == {"values"}:  # type: ignore[arg-type, index]
        rows = inputs[0]["values"]  # type: ignore[index]
        return from_rows(rows, "values") if is_list_of(rows, list) else None
    return None


def _frame(document: dict[str, object]) -> Side | None:
    """Of an object of objects: a data frame in another orientation, or columns as its one value,
    as BentoML is sent them."""
    found = frames.oriented(document)
    if found is not None or len(document) != 1:
        return found
    (inner,) = document.values()
    return from_columns(inner) if isinstance(inner, dict) and _are_columns(inner) else None


def _are_columns(document: dict[str, object]) -> bool:
    lengths = {len(value) if isinstance(value, list) else 0 for value in document.values()}
    return len(document) > 1 and len(lengths) == 1 and 0 not in lengths


def _rows(document: list[object]) -> list[object]:
    return document if is_list_of(document, (list, dict)) else [document]
