"""Asks with Ollama's own client: chat, generate and embed, whole and streamed, and with a tool.

python ask.py http://127.0.0.1:8900
"""

from __future__ import annotations

import sys

import ollama

MODEL, EMBEDDER = "llama3.2", "all-minilm"
QUESTION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why is the sky blue?"},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def main() -> None:
    """Prints a line for each way to ask."""
    client = ollama.Client(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8900")

    whole = client.chat(MODEL, QUESTION, options={"temperature": 0.2})
    print("chat:", whole.message.content, f"({whole.eval_count} tokens)")
    parts = [*client.chat(MODEL, QUESTION, stream=True)]
    print("chat, streamed:", *(part.message.content for part in parts), parts[-1].done_reason)
    called = client.chat(MODEL, QUESTION, tools=[TOOL])
    print("tool call:", called.message.tool_calls[0].function)

    print("generate:", client.generate(MODEL, "Why is the sea blue?").response)
    parts = [*client.generate(MODEL, "Count: 1 2 3", options={"num_predict": 2}, stream=True)]
    print("generate, streamed:", *(part.response for part in parts), parts[-1].done_reason)

    texts = [f"The {thing} is blue." for thing in ("sky", "sea", "air", "ice", "light", "ink")]
    print("embed:", client.embed(EMBEDDER, texts).embeddings[0][:3])


if __name__ == "__main__":
    main()
