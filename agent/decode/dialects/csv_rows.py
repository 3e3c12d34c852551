"""CSV requests: SageMaker's `/invocations` and batch transform, MLflow, Vertex AI's containers.

Sources: RFC 4180 (`header=present` or `absent` in the media type), SageMaker's "Common data
formats for inference" (`text/csv`, no header), MLflow's scoring server (`text/csv` with one).
Answers are of any form: the client's Accept and the server's habit decide.
"""

from __future__ import annotations

import re

from agent.decode.bodies.message import NO_JSON, Message
from agent.decode.payload import Side
from agent.decode.shapes import answers, delimited
from agent.exchange import field

NAME = "csv"

_KINDS = (b"text/csv", b"application/csv")
_UNTOLD = frozenset(
    (b"", b"text/plain", b"application/octet-stream", b"application/x-www-form-urlencoded")
)
"""Media types of clients that name none: the last is what curl writes then."""
_NAME = re.compile(r'\s*"?[A-Za-z_][\w .()%/-]{0,63}"?\s*')
_FIRST = 256
"""Bytes that are looked at where the media type says nothing."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    is_like_json = asked.is_like_json
    if asked.kind in _KINDS and not (is_like_json and asked.document is not NO_JSON):
        return "the content type is CSV"
    if is_like_json:
        return ""
    if asked.kind in _UNTOLD:
        begin = asked.raw[:_FIRST].lstrip().decode("latin-1")
        first, _, rest = begin.partition("\n")
        cells = first.split(",")[: -1 if len(first) == _FIRST else None]
        if len(cells) > 1 and all(map(_is_number, cells)):
            return "a first line of numbers between commas"
        below, ended, _ = rest.partition("\n")
        if (ended or len(asked.raw) < _FIRST) and _are_header(cells, below.split(",")):
            return "a line of names between commas, and values below them"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return delimited.table(asked.raw, "input", _has_header(asked))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)


def _is_number(cell: str) -> bool:
    return type(delimited.cell(cell)) in (int, float)


def _are_header(names: list[str], values: list[str]) -> bool:
    """Whether they are names, and under them as many values of which one is a number."""
    if not 1 < len(names) == len(values):
        return False
    return all(map(_NAME.fullmatch, names)) and any(map(_is_number, values))


def _has_header(asked: Message) -> bool | None:
    named = field(asked.fields, b"content-type") or b""
    if b";" not in named:
        return None
    named = named.lower().replace(b" ", b"")
    if b"header=present" in named:
        return True
    return False if b"header=absent" in named else None
