"""JSON Lines requests, a document a row: SageMaker's batch transform and built-in algorithms.

Source: SageMaker's "Common data formats for inference" (`application/jsonlines`). Its
`{"features": …}` rows are read as in `sagemaker`.
"""

from __future__ import annotations

from agent.decode.bodies import lines
from agent.decode.bodies.message import NO_JSON, Message
from agent.decode.dialects import sagemaker
from agent.decode.payload import Side, from_rows
from agent.decode.shapes import answers

NAME = "json_lines"

_UNTOLD = (b"", b"application/json", b"text/plain")


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    if asked.kind in lines.KINDS:
        return "the content type is JSON Lines"
    if asked.kind not in _UNTOLD or not asked.is_like_json:
        return ""
    first, _, others = asked.raw.strip().partition(b"\n")
    closed = first.rstrip()[-1:] in (b"}", b"]") and others.lstrip()[:1] in (b"{", b"[")
    return "several JSON documents" if closed and asked.document is NO_JSON else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    found = lines.documents(asked.raw)
    return from_rows([sagemaker.row(one) for one in found], "input")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)
