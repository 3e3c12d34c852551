"""OpenAI's chat completions: messages in, choices out. See `asked`, `said` and `openai_choices`."""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.openai_choices import outputs
from agent.decode.llm.parts import Content, items, mapping
from agent.decode.payload import Side

NAME = "openai_chat"
PATH = b"/chat/completions"
PARAMETERS = frozenset(("max_tokens", "max_completion_tokens", "temperature", "top_p", "stream"))
"""One of these beside `messages` tells it where there is neither model nor path."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict) or "messages" not in document:
        return ""
    messages = document["messages"]
    if not isinstance(messages, list) or not messages or "role" not in mapping(messages[0]):
        return ""
    if isinstance(document.get("model"), str):
        return "messages with roles, and a model"
    if not PARAMETERS.isdisjoint(document):
        return "messages with roles, and parameters"
    return "messages with roles, by the path" if asked.path.endswith(PATH) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    messages = items(document.get("messages"))
    content = Content()
    content.add_messages(messages)
    return inputs(document, content, len(messages), limits=("max_completion_tokens", "max_tokens"))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    return outputs(answer)
