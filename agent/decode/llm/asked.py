"""The inputs of a request to a language model: what was said to it, and how it is to answer.

| column | |
|---|---|
| `messages` | how many |
| `prompt.characters`, `prompt.words`, `prompt.non_ascii` | of all messages together, the system's too |
| `prompt.media` | images, sounds and files in them |
| `prompt.image.format`, … | of the last image in the request itself, as of any image |
| `model`, `temperature`, `top_p`, `max_tokens` | as asked; missing if the server's default is |
| `stream` | whether the answer is to come as a stream |
| `tools` | how many it may call |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Set

from agent.decode.bodies.events import Document
from agent.decode.bodies.message import Message
from agent.decode.images.facts import of_text
from agent.decode.llm.parts import Content, count, items, name, number, row, text
from agent.decode.llm.wording import measures
from agent.decode.payload import Columns, Side, Value

ONE_OF = ("messages", "prompt", "input", "inputs", "contents")
"""Keys of requests to language models."""


def may_be_language(asked: Message) -> bool:
    """Whether it is worth to ask this room's dialects: they are many, and most requests of rows."""
    document = asked.document
    return isinstance(document, dict) and not document.keys().isdisjoint(ONE_OF)


def evidence_of(
    asked: Message, key: str, is_path: bool, parameters: Set[str], told: tuple[str, str]
) -> str:
    """Why a request is of an API whose requests have a text or a list at `key`; empty if not.

    `told`: what it is called for people, if it is told by the path, and if by `parameters`, of
    which one stands beside a model.
    """
    document = asked.document
    if not isinstance(document, dict) or not isinstance(document.get(key), str | list):
        return ""
    if is_path:
        return told[0]
    is_it = isinstance(document.get("model"), str) and not parameters.isdisjoint(document)
    return told[1] if is_it else ""


def inputs(
    document: Document,
    content: Content | None = None,
    messages: int | None = None,
    *,
    limits: tuple[str, ...] = ("max_tokens",),
    streams: bool = False,
    options: Document | None = None,
) -> Side:
    """Inputs of one request of one row.

    `content` and `messages`, how many: None where the API has none. `limits`: what the API calls
    `max_tokens`, the first that is given counts; they and what is like them stand in `options`, by
    default in the document. `streams`: whether the answer is a stream if the request does not say.
    """
    found = options if options is not None else document
    values: dict[str, Value] = {"messages": messages}
    if content is not None:
        values |= measures(content.texts, "prompt")
        values["prompt.media"] = content.media
        for fact, value in (of_text(text(content.image)) or {}).items():
            values[f"prompt.image.{fact}"] = value
        values["tools"] = len(items(document.get("tools"))) or len(items(document.get("functions")))
    values |= _parameters(document, found, limits, streams)
    return Side(row(values), 1, model=name(document.get("model")))


def _parameters(
    document: Document, options: Document, limits: tuple[str, ...], streams: bool
) -> dict[str, Value]:
    """How the model is to answer; None: not said."""
    most = [count(options.get(limit)) for limit in limits if limit in options]
    asked = document.get("stream")
    return {
        "model": name(document.get("model")) or None,
        "temperature": number(options.get("temperature")),
        "top_p": number(options.get("top_p")),
        "max_tokens": most[0] if most else None,
        "stream": asked if isinstance(asked, bool) else streams,
    }


def repeat(side: Side, columns: Columns, rows: int) -> Side:
    """A side of `rows` rows: these columns, and for each those of `side`, which has one row."""
    same = {key: (values[0],) * rows for key, values in side.columns.items()}
    return Side(columns | same, rows, model=side.model)
