"""Plain JSON: an object is a row, a list of objects is rows, `columns` + `data` is a table.

What FastAPI, BentoML and hand-written servers speak. How a request is read, first rule that fits:

1. a list: its items are rows (a list of numbers is one row);
2. an object with lists `columns` and `data`: a table;
3. an object with a list of objects in it: those are the rows;
4. an object of one list of lists: those are the rows;
5. an object of two or more lists of one length: columns;
6. any other object: one row, nested objects with dotted names.

An answer is read against the request's rows: a list as long as those is one value a row.
"""

from __future__ import annotations

from agent.decode.message import Message
from agent.decode.names import VERSION
from agent.decode.payload import MAX_NAME, Refused, Side, from_columns, from_rows

NAME = "tabular"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect: it is JSON, and no other's."""
    return "JSON of no other form" if isinstance(asked.document, (dict, list)) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    if isinstance(document, list):
        return from_rows(_rows(document), "input")
    if not isinstance(document, dict) or not document:
        raise Refused("unsupported")
    table = _table(document)
    if table is not None:
        return table
    for name, value in document.items():
        if _is_list_of(value, dict) or (len(document) == 1 and _is_list_of(value, list)):
            return from_rows(value, name[:MAX_NAME])
    lengths = {len(value) if isinstance(value, list) else -1 for value in document.values()}
    if len(document) > 1 and len(lengths) == 1 and lengths.pop() > 0:
        return from_columns(document)
    return from_rows([document], "input")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    document = answer.json()
    if isinstance(document, dict) and VERSION in document:
        document = {name: value for name, value in document.items() if name != VERSION}
    if isinstance(document, list):
        rows_of_it = len(document) == rows or _is_list_of(document, (list, dict))
        return from_rows(document if rows_of_it else [document], "output")
    if not isinstance(document, dict):
        return from_rows([document], "output")
    table = _table(document)
    if table is not None:
        return table
    paired: dict[str, object] = {
        name: value
        for name, value in document.items()
        if isinstance(value, list) and len(value) == rows
    }
    if rows == 1:
        # A list of one is the row's value itself, whatever nests in it.
        return from_rows([document | {name: document[name][0] for name in paired}], "output")
    if not paired:
        raise Refused("unsupported")
    return from_columns(paired)


def _rows(document: list[object]) -> list[object]:
    return document if _is_list_of(document, (list, dict)) else [document]


def _is_list_of(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], kind)


def _table(document: dict[str, object]) -> Side | None:
    names, data = document.get("columns"), document.get("data")
    if not _is_list_of(names, str) or not _is_list_of(data, list):
        return None
    assert isinstance(names, list)
    assert isinstance(data, list)
    keys = [name[:MAX_NAME] for name in names if isinstance(name, str)]
    rows = [dict(zip(keys, row, strict=False)) for row in data if isinstance(row, list)]
    return from_rows(rows, "data")
