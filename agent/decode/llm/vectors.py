"""Embeddings in an answer: a vector a row, `embedding-0` …, which drift takes for one vector."""

from __future__ import annotations

from agent.decode.payload import MAX_NUMBERED, Refused, Side, from_plain_rows

VECTOR = "embedding"
_NUMBERS = frozenset((float, int))


def side_of(vectors: list[object], rows: int, tokens: int | None, model: str) -> Side:
    """Outputs of an answer to `rows` texts: its vectors, and `tokens.prompt` if it is one text.

    Raises Refused if they are no lists of numbers of one length, each of a text.
    """
    if not vectors:
        raise Refused("unsupported", "it has no embeddings")
    if not all(type(one) is list and _NUMBERS.issuperset(map(type, one)) for one in vectors):
        raise Refused("unsupported", "its embeddings are neither lists of numbers nor base64")
    width = len(vectors[0])  # type: ignore[arg-type]
    if width > MAX_NUMBERED:
        vectors = [one[:MAX_NUMBERED] for one in vectors]  # type: ignore[index]
    columns = from_plain_rows(vectors, VECTOR)
    if columns is None:
        raise Refused("too_large", "its embeddings are of different length, or too many")
    if rows == len(vectors) == 1 and tokens is not None and len(columns) < MAX_NUMBERED:
        columns["tokens.prompt"] = (tokens,)
    left_out = max(0, width - MAX_NUMBERED) * len(vectors)
    return Side(columns, len(vectors), left_out, model=model, version=model)
