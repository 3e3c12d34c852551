"""Amazon Bedrock's Converse: messages of blocks in, a message and why it stopped out.

Source: Amazon Bedrock's API reference, "Converse". The model is in the path. What models are asked
by `/invoke` is theirs. An answer as a stream is Amazon's binary event stream, which is not read.
"""

from __future__ import annotations

import re

from agent.decode.bodies.message import Message
from agent.decode.llm.asked import inputs
from agent.decode.llm.parts import Content, count, items, mapping, name, text
from agent.decode.llm.said import Said
from agent.decode.names import version_in
from agent.decode.payload import Refused, Side

NAME = "bedrock_converse"
_PATH = re.compile(rb"/model/([^/]+)/converse(-stream)?$")
_MEDIA = frozenset(("image", "document", "video", "audio"))


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    messages = items(mapping(asked.document).get("messages"))
    if not messages or not isinstance(mapping(messages[0]).get("content"), list):
        return ""
    return "messages of blocks, by the path" if _PATH.search(asked.path) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    messages = items(document.get("messages"))
    content = Content()
    content.add(document.get("system"))
    for message in messages:
        blocks = [mapping(block) for block in items(mapping(message).get("content"))]
        content.add([*blocks])
        for block in blocks:
            content.media += not _MEDIA.isdisjoint(block)
            content.add(mapping(block.get("toolResult")).get("content"))
    config = mapping(document.get("inferenceConfig"))
    path = _PATH.search(asked.path)
    asking = {
        "model": version_in(path[1]) if path else None,
        "stream": bool(path and path[2]),
        "tools": mapping(document.get("toolConfig")).get("tools"),
    }
    options = config | {"top_p": config.get("topP")}
    return inputs(asking, content, len(messages), limits=("maxTokens",), options=options)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer. Raises Refused."""
    document = mapping(answer.json())
    message = mapping(mapping(document.get("output")).get("message"))
    if not isinstance(message.get("content"), list):
        raise Refused("unsupported", "it has no message with content")
    said = Said()
    said.finish = name(document.get("stopReason"))
    said.is_refused = said.finish == "guardrail_intervened"
    for block in map(mapping, items(message["content"])):
        if "toolUse" in block:
            said.calls.add(len(said.calls))
        elif piece := text(block.get("text")):
            said.pieces.append(piece)
    usage = mapping(document.get("usage"))
    asked, answered, total = [
        count(usage.get(f"{of}Tokens")) for of in ("input", "output", "total")
    ]
    said.tokens = asked, answered, total
    return said.side()
