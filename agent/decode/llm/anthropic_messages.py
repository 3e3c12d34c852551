"""Anthropic's messages: messages in, blocks of content out.

Source: Anthropic's API reference, "Create a Message" and "Streaming messages". `tokens.prompt`
counts those read from and written to the cache too: `input_tokens` has only the others.
"""

from __future__ import annotations

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.parts import Content, count, items, mapping, name, text
from agent.decode.llm.said import Said
from agent.decode.payload import Refused, Side
from agent.exchange import field

NAME = "anthropic_messages"
PATH = b"/v1/messages"
COUNTING = b"/count_tokens"
"""Where a prompt is measured and not answered."""
HEADER = b"anthropic-version"
_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict) or not items(document.get("messages")):
        return ""
    if asked.path.endswith(PATH):
        return "messages, by the path"
    named = field(asked.fields, HEADER) is not None or "anthropic_version" in document
    return "messages, and a version of the API" if named else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    if asked.path.endswith(COUNTING):
        raise Refused("unsupported", "it asks for a count of tokens, not for an answer")
    document = mapping(asked.json())
    messages = items(document.get("messages"))
    content = Content()
    content.add(document.get("system"))
    content.add_messages(messages)
    return inputs(document, content, len(messages))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if not answer.is_stream:
        document = mapping(answer.json())
        if not isinstance(document.get("content"), list):
            raise Refused("unsupported", "it has no content")
        said.take_names(document)
        usage = mapping(document.get("usage"))
        _finish(document, said)
        for place, block in enumerate(items(document["content"])):
            _take_block(mapping(block), place, said)
        said.tokens = _tokens(usage)
        return said.side()
    return _streamed(answer, said)


def _streamed(answer: Message, said: Said) -> Side:
    events = events_of(answer)
    if not any(event.get("type") in ("message_start", "error") for event in events.head):
        raise Refused("unsupported", "its events are none of a message")
    usage: Document = {}
    chunks = said.read(events, lambda event: _take(event, said, usage))
    said.tokens = _tokens(usage)
    last = events.tail if events.gap else events.head
    ended = any(event.get("type") == "message_stop" for event in last)
    return said.side(truncated=not ended, chunks=chunks)


def _take(event: Document, said: Said, usage: Document) -> None:
    kind = event.get("type")
    if kind == "content_block_delta":
        if piece := text(mapping(event.get("delta")).get("text")):
            said.pieces.append(piece)
    elif kind == "content_block_start":
        _take_block(mapping(event.get("content_block")), event.get("index"), said)
    elif kind == "message_start":
        message = mapping(event.get("message"))
        said.take_names(message)
        usage |= mapping(message.get("usage"))
    elif kind == "message_delta":
        _finish(mapping(event.get("delta")), said)
        usage |= {k: v for k, v in mapping(event.get("usage")).items() if v is not None}
    elif kind == "error":
        said.finish = "error"


def _finish(document: Document, said: Said) -> None:
    said.finish = name(document.get("stop_reason")) or said.finish
    said.is_refused |= said.finish == "refusal"


def _take_block(block: Document, place: object, said: Said) -> None:
    if text(block.get("type")).endswith("tool_use"):
        said.calls.add(place if type(place) is int else None)
    elif piece := text(block.get("text")):
        said.pieces.append(piece)


def _tokens(usage: Document) -> tuple[int | None, int | None, int | None]:
    parts = [count(usage.get(part)) for part in _PROMPT]
    asked = None if parts[0] is None else sum(part or 0 for part in parts)
    answered = count(usage.get("output_tokens"))
    total = None if asked is None or answered is None else asked + answered
    return asked, answered, total
