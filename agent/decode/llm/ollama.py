"""Ollama's own API: generate and chat, by default as a stream of JSON documents, one a line.

Source: Ollama's docs/api.md. Its `/v1/…` is OpenAI's, see there.
"""

from __future__ import annotations

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.parts import Content, items, mapping, name, text
from agent.decode.llm.said import Said, tokens_of
from agent.decode.payload import Refused, Side

NAME = "ollama"
GENERATE, CHAT = b"/api/generate", b"/api/chat"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    path = asked.path
    if not path.endswith((GENERATE, CHAT)):
        return ""
    document = mapping(asked.document)
    if isinstance(document.get("prompt"), str) and path.endswith(GENERATE):
        return "a prompt, by the path"
    is_chat = path.endswith(CHAT) and isinstance(document.get("messages"), list)
    return "messages, by the path" if is_chat and isinstance(document.get("model"), str) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    content = Content()
    messages = items(document.get("messages"))
    if not messages and not document.get("prompt"):
        raise Refused("empty", "it only loads or unloads a model")
    content.add(document.get("system"))
    content.add(document.get("prompt"))
    content.add_messages(messages)
    for holder in (document, *map(mapping, messages)):
        images = items(holder.get("images"))
        content.media += len(images)
        content.image = images[-1] if images else content.image
    return inputs(
        document,
        content,
        len(messages) if "messages" in document else None,
        limits=("num_predict",),
        streams=True,
        options=mapping(document.get("options")),
    )


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if not answer.is_stream:
        document = mapping(answer.json())
        if "done" not in document:
            raise Refused("unsupported", "it does not say whether it is done")
        _take(document, said)
        return said.side()
    events = events_of(answer)
    if not any("done" in event or "error" in event for event in events.head):
        raise Refused("unsupported", "its lines do not say whether they are done")
    chunks = said.read(events, lambda event: _take(event, said))
    last = events.tail if events.gap else events.head
    ended = any(event.get("done") is True for event in last)
    return said.side(truncated=not ended, chunks=chunks)


def _take(document: Document, said: Said) -> None:
    """A whole answer, or a part of one; the last has the counts."""
    if not said.model:
        said.take_names(document)
    message = mapping(document.get("message"))
    if piece := text(document.get("response")) or text(message.get("content")):
        said.pieces.append(piece)
    for call in items(message.get("tool_calls")):
        said.calls.add(len(said.calls) if mapping(call) else None)
    if document.get("done") is True:
        said.finish = name(document.get("done_reason")) or "stop"
        said.tokens = tokens_of(document, "prompt_eval_count", "eval_count")
    if document.get("error"):
        said.finish = "error"
