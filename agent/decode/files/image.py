"""An image as a body: its format, size and light, one row `image.format`, `image.width`, …

Rule: the first bytes decide, whatever path and media type say. Of an image that is longer than what
was captured the beginning is enough. Answers are of any form.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.images.facts import Facts, of_bytes
from agent.decode.images.heads import head
from agent.decode.payload import Refused, Side
from agent.decode.shapes import answers

NAME = "image"
LONGER = "the first bytes of an image that is longer than capture.max_body_bytes"
"""The evidence where some of the body is missing."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    found = head(asked.raw)
    return f"the first bytes of {_A[found.format]}" if found is not None else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return _side(of_bytes(asked.raw))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    facts = of_bytes(answer.raw)
    return answers.read(answer, rows) if facts is None else _side(facts)


def of_part(body: tuple[bytes, bytes, int] | None) -> Side | None:
    """The inputs of a body of which some is missing, if it is an image; else None."""
    if body is None or not body[2]:
        return None
    facts = of_bytes(body[0], len(body[0]) + len(body[1]) + body[2])
    return None if facts is None else _side(facts)


def _side(facts: Facts | None) -> Side:
    if facts is None:
        raise Refused("unsupported", "it is no image of a known format")
    return Side({f"{NAME}.{name}": (value,) for name, value in facts.items()}, 1)


_A = {
    "jpeg": "a JPEG",
    "png": "a PNG",
    "gif": "a GIF",
    "webp": "a WebP",
    "bmp": "a BMP",
    "tiff": "a TIFF",
    "avif": "an AVIF",
    "heic": "a HEIC",
}
