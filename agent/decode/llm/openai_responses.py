"""OpenAI's responses: a text or items in, items out; a stream's last event has the whole answer.

Source: OpenAI's API reference, "Create a model response", "The response object" and "Streaming
events". `finish_reason` is its status, or, of an incomplete one, the reason of that.
"""

from __future__ import annotations

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.asked import evidence_of, inputs
from agent.decode.llm.parts import Content, items, mapping, name, text
from agent.decode.llm.said import Said, tokens_of
from agent.decode.payload import Refused, Side

NAME = "openai_responses"
PATH = b"/responses"
PARAMETERS = frozenset(
    ("instructions", "max_output_tokens", "previous_response_id", "reasoning", "tools", "store")
)
"""One of these beside `input` and `model` tells it where the path does not."""
PIECES = frozenset(("response.output_text.delta", "response.refusal.delta"))
LAST = frozenset(("response.completed", "response.incomplete", "response.failed"))


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    is_path = asked.path.endswith(PATH)
    told = "an input, by the path", "an input, a model and how to answer"
    return evidence_of(asked, "input", is_path, PARAMETERS, told)


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    content = Content()
    content.add(document.get("instructions"))
    given = document.get("input")
    if isinstance(given, str):
        content.add(given)
        said = 1
    else:
        said = len(items(given))
        content.add_messages(items(given))
        for item in items(given):
            content.add(mapping(item).get("output"))  # a tool's
    return inputs(document, content, said, limits=("max_output_tokens",))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if not answer.is_stream:
        document = mapping(answer.json())
        if not isinstance(document.get("output"), list):
            raise Refused("unsupported", "it has no output")
        _take(document, said)
        return said.side()
    events = events_of(answer)
    if not any(text(event.get("type")).startswith("response.") for event in events.head):
        raise Refused("unsupported", "its events are none of a response")
    chunks = said.read(events, lambda event: _take_event(event, said))
    last = [event for event in events.tail or events.head if event.get("type") in LAST]
    if not last:
        return said.side(truncated=True, chunks=chunks)
    whole = Said()
    _take(mapping(last[-1].get("response")), whole)
    if not whole.pieces:  # some servers leave out there what they have sent
        whole.pieces, whole.gap, whole.calls = said.pieces, said.gap, whole.calls or said.calls
    return whole.side(truncated=False, chunks=chunks)


def _take(document: Document, said: Said) -> None:
    """A whole answer."""
    said.take_names(document)
    reason = mapping(document.get("incomplete_details")).get("reason")
    said.finish = name(reason) or name(document.get("status"))
    if document.get("error"):
        said.finish = "error"
    said.tokens = tokens_of(document.get("usage"), "input_tokens", "output_tokens")
    for place, item in enumerate(items(document.get("output"))):
        _take_item(mapping(item), place, said)


def _take_item(item: Document, place: object, said: Said) -> None:
    if text(item.get("type")).endswith("_call"):
        said.calls.add(place)
    if item.get("type") != "message":
        return
    for part in items(item.get("content")):
        part = mapping(part)
        if part.get("type") == "refusal":
            said.is_refused = True
            said.pieces.append(text(part.get("refusal")))
        else:
            said.pieces.append(text(part.get("text")))


def _take_event(event: Document, said: Said) -> None:
    """Of a stream whose last event is not there."""
    kind = text(event.get("type"))
    said.take_names(mapping(event.get("response")))
    if kind in PIECES:
        said.is_refused |= kind == "response.refusal.delta"
        said.pieces.append(text(event.get("delta")))
    elif kind == "response.output_item.added":
        item = mapping(event.get("item"))
        index = event.get("output_index")
        _take_item({"type": item.get("type")}, index if type(index) is int else None, said)
    elif kind == "error":
        said.finish = "error"
