"""CSV requests: SageMaker's `/invocations` and batch transform, MLflow, Vertex AI's containers.

Sources: RFC 4180 (`header=present` or `absent` in the media type), SageMaker's "Common data
formats for inference" (`text/csv`, no header), MLflow's scoring server (`text/csv` with one).
Answers are of any form: the client's Accept and the server's habit decide.
"""

from __future__ import annotations

from agent.decode import answers, delimited
from agent.decode.message import NO_JSON, Message
from agent.decode.payload import Side
from agent.exchange import field

NAME = "csv"

_KINDS = (b"text/csv", b"application/csv")
_UNTOLD = (b"", b"text/plain", b"application/x-www-form-urlencoded")
"""Media types of clients that name none: the last is what curl writes then."""
_FIRST = 256
"""Bytes that are looked at where the media type says nothing."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    is_like_json = asked.raw[:1] in (b"{", b"[")
    if asked.kind in _KINDS and not (is_like_json and asked.document is not NO_JSON):
        return "the content type is CSV"
    if is_like_json:
        return ""
    if asked.kind in _UNTOLD:
        line = asked.raw[:_FIRST].lstrip().partition(b"\n")[0]
        cells = line.decode("latin-1").split(",")[: -1 if len(line) == _FIRST else None]
        if len(cells) > 1 and all(type(delimited.cell(cell)) in (int, float) for cell in cells):
            return "a first line of numbers between commas"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return delimited.table(asked.raw, "input", _has_header(asked))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)


def _has_header(asked: Message) -> bool | None:
    named = field(asked.fields, b"content-type") or b""
    if b";" not in named:
        return None
    named = named.lower().replace(b" ", b"")
    if b"header=present" in named:
        return True
    return False if b"header=absent" in named else None
