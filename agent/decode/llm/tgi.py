"""Hugging Face's Text Generation Inference: `inputs`, a text, and `parameters` in.

Source: TGI's API reference, `/generate`, `/generate_stream` and the compatible `/`, which answers a
list of one. How many tokens there are, and why it ended, it says if `parameters.details` asks for
it, and at the end of each stream. Its `/v1/chat/completions` is OpenAI's, see there.
"""

from __future__ import annotations

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.parts import Content, count, mapping, name, text
from agent.decode.llm.said import Said
from agent.decode.payload import Refused, Side

NAME = "tgi"
STREAM = b"/generate_stream"
PATHS = (b"/generate", STREAM)
PARAMETERS = frozenset(
    ("max_new_tokens", "do_sample", "return_full_text", "repetition_penalty", "details")
)
"""One of these in `parameters` tells it where the path does not."""
SAID = "generated_text"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), str):
        return ""
    if asked.path.endswith(PATHS):
        return "a text as inputs, by the path"
    given = mapping(document.get("parameters"))
    return "" if PARAMETERS.isdisjoint(given) else "a text as inputs, and parameters"


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    content = Content()
    content.add(document.get("inputs"))
    return inputs(
        document,
        content,
        limits=("max_new_tokens",),
        streams=asked.path.endswith(STREAM),
        options=mapping(document.get("parameters")),
    )


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if not answer.is_stream:
        whole = answer.json()
        document = mapping(whole[0] if isinstance(whole, list) and len(whole) == 1 else whole)
        if not isinstance(document.get(SAID), str):
            raise Refused("unsupported", f"it has no {SAID}")
        said.pieces.append(text(document[SAID]))
        _finish(document, said)
        return said.side()
    events = events_of(answer)
    if not any("token" in event or "error" in event for event in events.head):
        raise Refused("unsupported", "its events have no tokens")
    chunks = said.read(events, lambda event: _take(event, said))
    last = events.tail if events.gap else events.head
    ended = any(isinstance(event.get(SAID), str) for event in last)
    return said.side(truncated=not ended, chunks=chunks)


def _take(event: Document, said: Said) -> None:
    """A token; the last one's event says why it ended."""
    token = mapping(event.get("token"))
    if token.get("special") is not True and (piece := text(token.get("text"))):
        said.pieces.append(piece)
    _finish(event, said)


def _finish(document: Document, said: Said) -> None:
    details = mapping(document.get("details"))
    said.finish = name(details.get("finish_reason")) or said.finish
    asked, answered = count(details.get("input_length")), count(details.get("generated_tokens"))
    if answered is not None:
        total = None if asked is None else asked + answered
        said.tokens = (asked, answered, total)
    if document.get("error"):
        said.finish = "error"
