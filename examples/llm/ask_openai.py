"""Asks with OpenAI's own client: chat, tools, completions, embeddings and responses.

python ask_openai.py http://127.0.0.1:8900
"""

from __future__ import annotations

import json
import sys

import openai

MODEL, EMBEDDER = "parrot", "parrot-words"
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris"]}},
        "required": ["city"],
    },
}
QUESTION = [{"role": "user", "content": "Why is the sky blue?"}]


def main() -> None:
    """Prints a line for each way to ask."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8900"
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    chat(client)
    rest(client)


def chat(client: openai.OpenAI) -> None:
    """Chat completions."""
    create = client.chat.completions.create
    whole = create(model=MODEL, messages=QUESTION, temperature=0.7, max_tokens=100, seed=1)
    print("chat:", whole.choices[0].message.content, f"({whole.usage.completion_tokens} tokens)")

    usage = {"include_usage": True}
    events = [*create(model=MODEL, messages=QUESTION, seed=2, stream=True, stream_options=usage)]
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    print("chat, streamed:", text, f"({events[-1].usage.completion_tokens} tokens)")

    tools = [{"type": "function", "function": TOOL}]
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    asked = create(model=MODEL, messages=messages, tools=tools, seed=3).choices[0].message
    call = asked.tool_calls[0]
    print("tool call:", call.function.name, json.loads(call.function.arguments))
    result = {"role": "tool", "tool_call_id": call.id, "content": "mild"}
    answer = create(model=MODEL, messages=[*messages, asked, result], tools=tools, seed=4)
    print("after the call:", answer.choices[0].message.content)

    endless = create(
        model=MODEL, messages=QUESTION, stream=True, max_tokens=15_000, seed=5,
        extra_body={"ignore_eos": True},
    )  # fmt: skip
    pieces = [next(endless) for _ in range(4)]
    endless.close()
    print("left early:", "".join(piece.choices[0].delta.content or "" for piece in pieces))


def rest(client: openai.OpenAI) -> None:
    """What is no chat."""
    done = client.completions.create(model=MODEL, prompt="The weather in", max_tokens=16, seed=6)
    print("completion:", done.choices[0].text)

    things = ("the sky", "the blue sky", "the sea", "a model", "a test", "the weather")
    texts = [f"{thing} is {kind}" for thing in things for kind in ("blue", "good")]
    found = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="base64")
    print(f"embeddings, base64: {found.data[0].embedding[:24]}…")
    found = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="float")
    first, *others = (one.embedding for one in found.data)
    near = [sum(a * b for a, b in zip(first, other, strict=True)) for other in others]
    print(f"nearest to {texts[0]!r}: {texts[1 + near.index(max(near))]!r}")

    ask = {
        "model": MODEL,
        "input": "Why is the sea blue?",
        "instructions": "Be brief.",
        "temperature": 0,
    }
    print("response:", client.responses.create(**ask).output_text)
    events = [*client.responses.create(**ask, stream=True)]
    print("response, streamed:", events[-1].response.output_text)


if __name__ == "__main__":
    main()
