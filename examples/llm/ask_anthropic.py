"""Asks with Anthropic's own client: messages, whole and streamed, and with a tool.

python ask_anthropic.py http://127.0.0.1:8900
"""

from __future__ import annotations

import sys

import anthropic
from ask_openai import MODEL, QUESTION, TOOL


def main() -> None:
    """Prints a line for each way to ask."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8900"
    client = anthropic.Anthropic(base_url=url, api_key="none")
    ask = {"model": MODEL, "max_tokens": 200, "messages": QUESTION}
    ask["extra_body"] = {"temperature": 0}  # so that it says the same each time

    whole = client.messages.create(**ask, system="Be brief.")
    print("message:", whole.content[0].text, f"({whole.usage.output_tokens} tokens)")

    with client.messages.stream(**ask) as stream:
        said = stream.get_final_message()
    print("message, streamed:", said.content[0].text, f"({said.usage.output_tokens} tokens)")

    tool = {
        "name": TOOL["name"],
        "description": TOOL["description"],
        "input_schema": TOOL["parameters"],
    }
    called = client.messages.create(**ask, tools=[tool])
    [use] = [block for block in called.content if block.type == "tool_use"]
    print("tool call:", use.name, use.input)


if __name__ == "__main__":
    main()
