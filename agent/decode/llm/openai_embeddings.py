"""OpenAI's embeddings: texts in, a vector of each out, in JSON or as base64 of 32-bit floats.

Source: OpenAI's API reference, "Create embeddings" (`encoding_format`); its Python client asks for
base64, little-endian. Each text is a row: `input.characters`, `input.words`, `input.non_ascii` (or
`input.tokens`), `model` and `dimensions` in, `embedding-0` … out, which drift takes for one vector.
"""

from __future__ import annotations

from base64 import b64decode

import numpy as np

from agent.decode.llm.asked import evidence_of, repeat
from agent.decode.llm.parts import count, items, mapping, name, row
from agent.decode.llm.texts import columns_of, texts_of
from agent.decode.message import Message
from agent.decode.payload import MAX_NUMBERED, Refused, Side, from_plain_rows

NAME = "openai_embeddings"
PATH = b"/embeddings"
PARAMETERS = frozenset(("encoding_format", "dimensions"))
"""One of these beside `input` and `model` tells it where the path does not."""
VECTOR = "embedding"
_FLOAT = np.dtype("<f4")
_NUMBERS = frozenset((float, int))


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
    if not vectors:
        raise Refused("unsupported", "it has no embeddings")
    if type(vectors[0]) is str:
        vectors = _of_base64(vectors)
    elif not all(type(one) is list and _NUMBERS.issuperset(map(type, one)) for one in vectors):
        raise Refused("unsupported", "its embeddings are neither lists of numbers nor base64")
    width = len(vectors[0])  # type: ignore[arg-type]
    if width > MAX_NUMBERED:
        vectors = [one[:MAX_NUMBERED] for one in vectors]  # type: ignore[index]
    columns = from_plain_rows(vectors, VECTOR)
    if columns is None:
        raise Refused("too_large", "its embeddings are of different length, or too many")
    asked = count(mapping(document.get("usage")).get("prompt_tokens"))
    if rows == len(vectors) == 1 and asked is not None and len(columns) < MAX_NUMBERED:
        columns["tokens.prompt"] = (asked,)
    model = name(document.get("model"))
    left_out = max(0, width - MAX_NUMBERED) * len(vectors)
    return Side(columns, len(vectors), left_out, model=model, version=model)


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
