"""OpenAI's completions (legacy, and what vLLM and others serve): prompts in, choices out.

Several prompts are several rows; of their choices the first of each is read, and the tokens, which
are counted for all together, are left out. A prompt may be ids of tokens: `prompt.tokens`.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.llm.asked import evidence_of, inputs, repeat
from agent.decode.llm.openai_choices import outputs, outputs_of_rows
from agent.decode.llm.parts import mapping
from agent.decode.llm.texts import columns_of, texts_of
from agent.decode.payload import Side

NAME = "openai_completions"
PATH, CHAT = b"/completions", b"/chat/completions"
IMAGES = b"/images/"
"""In the paths of calls that have a prompt and a model too, and are answered by pictures."""
PARAMETERS = frozenset(("max_tokens", "temperature", "top_p", "stream", "stop", "logprobs", "echo"))
"""One of these beside `prompt` and `model` tells it where the path does not."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    if IMAGES in asked.path:
        return ""
    is_path = asked.path.endswith(PATH) and not asked.path.endswith(CHAT)
    told = "a prompt, by the path", "a prompt, a model and parameters"
    return evidence_of(asked, "prompt", is_path, PARAMETERS, told)


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = mapping(asked.json())
    texts = texts_of(document.get("prompt"))
    return repeat(inputs(document), columns_of(texts, "prompt"), len(texts))


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, streamed or not. Raises Refused."""
    if rows == 1:
        return outputs(answer)
    return outputs_of_rows(answer, rows)
