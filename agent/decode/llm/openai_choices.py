"""What OpenAI's chat completions and completions share: an answer is a list of choices.

Source: OpenAI's API reference, "The chat completion object", "The chat completion chunk object" and
"The completion object"; vLLM, llama.cpp, TGI, LiteLLM and Ollama's `/v1` speak the same.

Of several choices the first is read: they are answers to the same.
"""

from __future__ import annotations

from agent.decode.bodies.events import Document, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm.parts import items, mapping, name, text
from agent.decode.llm.said import Said, tokens_of
from agent.decode.payload import Columns, Refused, Side


def outputs(answer: Message) -> Side:
    """Outputs of an answer, streamed or not. Raises Refused."""
    said = Said()
    if not answer.is_stream:
        document = mapping(answer.json())
        if not items(document.get("choices")):
            raise Refused("unsupported", "it has no choices")
        _take(document, said)
        return said.side()
    events = events_of(answer)
    if not any("choices" in event or "error" in event for event in events.head):
        raise Refused("unsupported", "its events have no choices")
    chunks = said.read(events, lambda event: _take(event, said))
    return said.side(truncated=not events.ended, chunks=chunks)


def outputs_of_rows(answer: Message, rows: int) -> Side:
    """Those of an answer to several prompts, a row each. Raises Refused."""
    document = mapping(answer.json())
    choices = {
        place: choice
        for choice in map(mapping, items(document.get("choices")))
        if type(place := choice.get("index")) is int
    }
    each = len(choices) // rows
    if not each or len(choices) != each * rows:
        raise Refused("unsupported", "its choices are not as many for each prompt")
    found = []
    for place in range(0, len(choices), each):
        said = Said()
        _take_choice(choices.get(place, {}), said)
        found.append(said.side().columns)
    names = dict.fromkeys(key for one in found for key in one)
    columns: Columns = {key: [one.get(key, (None,))[0] for one in found] for key in names}
    model = name(document.get("model"))
    return Side(columns, rows, id=name(document.get("id")), model=model, version=model)


def _take(document: Document, said: Said) -> None:
    """A whole answer, or a chunk of one."""
    if not said.id:
        said.take_names(document)
    if document.get("usage"):
        said.tokens = tokens_of(document["usage"], "prompt_tokens", "completion_tokens")
    if document.get("error"):
        said.finish = "error"
    for choice in items(document.get("choices")):
        choice = mapping(choice)
        if choice.get("index") in (0, None):
            _take_choice(choice, said)
            return


def _take_choice(choice: Document, said: Said) -> None:
    """Called once a token: what most chunks do not have is looked for by its key alone."""
    if choice.get("finish_reason"):
        said.finish = name(choice["finish_reason"]) or said.finish
    message = mapping(choice.get("delta") or choice.get("message"))
    content = message.get("content") or choice.get("text")
    if content and isinstance(content, str):
        said.pieces.append(content)
    elif content:
        said.pieces += [piece for part in items(content) if (piece := _text_of(part))]
    if message.get("refusal"):
        said.is_refused = True
        said.pieces.append(text(message["refusal"]))
    for place, call in enumerate(items(message.get("tool_calls"))):
        index = mapping(call).get("index")
        said.calls.add(index if type(index) is int else place)
    if message.get("function_call"):
        said.calls.add("function_call")


def _text_of(part: object) -> str:
    return text(part) or text(mapping(part).get("text"))
