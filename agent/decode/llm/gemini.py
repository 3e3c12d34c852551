"""Google's Gemini: contents of parts in, candidates out, as a stream a part of them an event.

Source: Google's "Generate content" and "Stream generate content", of the Gemini API and of Vertex
AI. The model is in the path. A stream is server-sent events (`alt=sse`) or one JSON list; it has no
end mark, its last event says why it ended. What a model thinks (`thought`) is no answer.
"""

from __future__ import annotations

import re

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.parts import Content, count, items, mapping, name, text
from agent.decode.llm.said import Said
from agent.decode.payload import Refused, Side

NAME = "gemini"
_PATH = re.compile(rb"/models/([^/:]+):(?:generateContent|(stream)GenerateContent)$")
_MEDIA = frozenset(("inlineData", "inline_data", "fileData", "file_data"))
_BLOCKED = "promptFeedback"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    contents = items(mapping(asked.document).get("contents"))
    if not contents or not isinstance(mapping(contents[0]).get("parts"), list | dict):
        return ""
    by_path = _PATH.search(asked.path) is not None
    return "contents of parts, by the path" if by_path else "contents of parts"


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    contents = items(document.get("contents"))
    content = Content()
    for one in (document.get("systemInstruction", document.get("system_instruction")), *contents):
        parts = mapping(one).get("parts")
        content.add(parts)
        content.media += sum(not _MEDIA.isdisjoint(mapping(part)) for part in items(parts))
    tools = [mapping(tool) for tool in items(document.get("tools"))]
    declared = [one for tool in tools for one in items(tool.get("functionDeclarations"))]
    config = mapping(document.get("generationConfig"))
    path = _PATH.search(asked.path)
    asking = {
        "model": path[1].decode("latin-1") if path else None,
        "stream": bool(path and path[2]),
        "tools": declared or tools,
    }
    options = config | {"top_p": config.get("topP")}
    return inputs(asking, content, len(contents), limits=("maxOutputTokens",), options=options)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if answer.is_stream:
        events = events_of(answer)
        if not any(map(_is_answer, events.head)):
            raise Refused("unsupported", "its events have no candidates")
        chunks = said.read(events, lambda event: _take(event, said))
        return said.side(truncated=not said.finish, chunks=chunks)
    document = answer.json()
    if isinstance(document, list):
        parts = [mapping(part) for part in document]
        for part in parts:
            _take(part, said)
        if any(map(_is_answer, parts)):
            return said.side(truncated=not said.finish, chunks=len(said.pieces))
    elif _is_answer(mapping(document)):
        _take(mapping(document), said)
        return said.side()
    raise Refused("unsupported", "it has no candidates")


def _is_answer(document: Document) -> bool:
    return "candidates" in document or _BLOCKED in document or "error" in document


def _take(document: Document, said: Said) -> None:
    """A whole answer, or a part of one; the counts of the last one stand."""
    said.id = said.id or name(document.get("responseId"))
    said.model = said.model or name(document.get("modelVersion"))
    usage = mapping(document.get("usageMetadata"))
    if usage:
        keys = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
        asked, answered, total = [count(usage.get(key)) for key in keys]
        said.tokens = asked, answered, total
    if document.get("error"):
        said.finish = "error"
    if reason := name(mapping(document.get(_BLOCKED)).get("blockReason")):
        said.finish, said.is_refused = reason, True
    candidates = items(document.get("candidates"))
    if not candidates:
        return
    first = mapping(candidates[0])
    said.finish = name(first.get("finishReason")) or said.finish
    for part in map(mapping, items(mapping(first.get("content")).get("parts"))):
        if "functionCall" in part:
            said.calls.add(len(said.calls))
        elif (piece := text(part.get("text"))) and part.get("thought") is not True:
            said.pieces.append(piece)
