"""OpenAI's embeddings: texts in, a vector of each out, in JSON or as base64 of 32-bit floats.

Source: OpenAI's API reference, "Create embeddings" (`encoding_format`); its Python client asks for
base64, little-endian. Each text is a row: `input.characters`, `input.words`, `input.non_ascii` (or
`input.tokens`), `model` and `dimensions` in, `embedding-0` … out, which drift takes for one vector.
"""

from __future__ import annotations

from base64 import b64decode

import numpy as np

from agent.decode.bodies.message import Message
from agent.decode.llm.asked import evidence_of, repeat
from agent.decode.llm.parts import count, items, mapping, name, row
from agent.decode.llm.texts import columns_of, texts_of
from agent.decode.llm.vectors import VECTOR, side_of
from agent.decode.payload import Refused, Side

NAME = "openai_embeddings"
PATH = b"/embeddings"
PARAMETERS = frozenset(("encoding_format", "dimensions"))
"""One of these beside `input` and `model` tells it where the path does not."""
_FLOAT = np.dtype("<f4")


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    is_path = asked.path.endswith(PATH)
    told = "an input, by the path", "an input, a model and how to embed it"
    return evidence_of(asked, "input", is_path, PARAMETERS, told)


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    texts = texts_of(document.get("input"))
    model = name(document.get("model"))
    shared = row({"model": model or None, "dimensions": count(document.get("dimensions"))})
    return repeat(Side(shared, 1, model=model), columns_of(texts, "input"), len(texts))


def response(answer: Message, rows: int) -> Side:
    """The vectors, and `tokens.prompt` if it is one. Raises Refused."""
    document = mapping(answer.json())
    vectors = [mapping(one).get(VECTOR) for one in items(document.get("data"))]
    if vectors and type(vectors[0]) is str:
        vectors = _of_base64(vectors)
    asked = count(mapping(document.get("usage")).get("prompt_tokens"))
    return side_of(vectors, rows, asked, name(document.get("model")))


def _of_base64(texts: list[object]) -> list[object]:
    """Vectors of 32-bit floats, all of the first one's length. Raises Refused."""
    try:
        vectors = [b64decode(text, validate=True) for text in texts]  # type: ignore[arg-type]
    except (TypeError, ValueError):  # an error of base64 is a ValueError
        raise Refused("malformed", "an embedding is no base64") from None
    size = len(vectors[0])
    if not size or size % _FLOAT.itemsize or any(len(vector) != size for vector in vectors):
        raise Refused("malformed", "its embeddings are of different or odd length")
    return [*np.frombuffer(b"".join(vectors), _FLOAT).reshape(len(vectors), -1).tolist()]
