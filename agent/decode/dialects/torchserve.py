"""TorchServe: `/predictions/{model}[/{version}]` with JSON, text or a picture.

Source: TorchServe's "Inference API". Its handlers decide what a body is. JSON is read as plain JSON
is; a text is one value; sound and other bytes are known and not read, pictures are the dialects
`image` and `form`. Answers are JSON (a map of class to probability, a list), or a text, often a
number.
"""

from __future__ import annotations

import re

from agent.decode.bodies.message import Message
from agent.decode.dialects import tabular
from agent.decode.payload import Refused, Side, from_rows
from agent.decode.shapes import answers

NAME = "torchserve"

_PATH = re.compile(rb"/predictions/[^/]+(?:/[^/]+)?$")
_BYTES = "sound and other bytes are not read"
_TEXTS = (b"", b"text/plain", b"application/octet-stream", b"application/x-www-form-urlencoded")


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    return by_path(asked.path)


def by_path(path: bytes) -> str:
    """The same of any request to this path."""
    return "the path /predictions/{model}" if _PATH.search(path) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    if isinstance(asked.document, (dict, list)):
        return tabular.request(asked)
    if asked.is_like_json:
        asked.json()  # refused for the right reason
    if asked.kind not in _TEXTS:
        raise Refused("unsupported", _BYTES)
    try:
        text = asked.raw.decode()
    except UnicodeDecodeError:
        raise Refused("unsupported", _BYTES) from None
    if "\0" in text:
        raise Refused("unsupported", _BYTES)
    return from_rows([text], "input")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return answers.read(answer, rows)
