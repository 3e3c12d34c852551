"""Ollama's embeddings: texts in, a vector of each out, as of OpenAI's.

Source: Ollama's docs/api.md: `/api/embed`, and `/api/embeddings`, which is older and takes one
`prompt`.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.llm.asked import repeat
from agent.decode.llm.parts import count, items, mapping, name, row
from agent.decode.llm.texts import columns_of, texts_of
from agent.decode.llm.vectors import VECTOR, side_of
from agent.decode.payload import Side

NAME = "ollama_embed"
PATHS = ((b"/api/embed", "input"), (b"/api/embeddings", "prompt"))
"""And what holds the texts."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    path = asked.path
    for end, key in PATHS:
        if path.endswith(end):
            document = mapping(asked.document)
            is_it = isinstance(document.get("model"), str)
            if is_it and isinstance(document.get(key), str | list):
                return f"{key}, by the path"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    texts = texts_of(document.get("input", document.get("prompt")))
    model = name(document.get("model"))
    shared = row({"model": model or None, "dimensions": count(document.get("dimensions"))})
    return repeat(Side(shared, 1, model=model), columns_of(texts, "input"), len(texts))


def response(answer: Message, rows: int) -> Side:
    """The vectors, and `tokens.prompt` if it is one. Raises Refused."""
    document = mapping(answer.json())
    vectors = items(document.get("embeddings")) or [document.get(VECTOR)]
    tokens = count(document.get("prompt_eval_count"))
    return side_of(vectors, rows, tokens, name(document.get("model")))
