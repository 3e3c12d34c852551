"""What speaks Ollama's API as it is documented, for those who have no Ollama at hand.

It repeats the end of what it is told; a token is a word. Of a real Ollama nothing else changes:
put the sidecar before its port, 11434.

python stand_in.py --port 8000
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

Document = dict[str, object]
WIDTH = 64
"""Numbers of an embedding."""


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /api/chat"""
    asked = await request.json()
    prompt = " ".join(message["content"] for message in asked["messages"])
    if asked.get("tools") and asked["messages"][-1]["role"] != "tool":
        call = {"name": asked["tools"][0]["function"]["name"], "arguments": {"city": "Paris"}}
        message = {"role": "assistant", "content": "", "tool_calls": [{"function": call}]}
        return web.json_response(_last(asked, prompt, 1, "stop") | {"message": message})
    return await _said(request, asked, prompt, lambda text: {"message": _message(text)})


async def generate(request: web.Request) -> web.StreamResponse:
    """POST /api/generate"""
    asked = await request.json()
    return await _said(request, asked, asked["prompt"], lambda text: {"response": text})


async def embed(request: web.Request) -> web.Response:
    """POST /api/embed"""
    asked = await request.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    found = {"model": asked["model"], "embeddings": [_vector(text) for text in texts]}
    words = sum(len(text.split()) for text in texts)
    times = {"total_duration": 14143917, "load_duration": 1019500}
    return web.json_response(found | times | {"prompt_eval_count": words})


async def _said(
    request: web.Request, asked: Document, prompt: str, part: Callable[[str], Document]
) -> web.StreamResponse:
    """An answer: lines of JSON, unless the request says `"stream": false`."""
    options = asked.get("options") or {}
    words = prompt.split()[-options.get("num_predict", 32) :]
    why = "length" if len(words) == options.get("num_predict") else "stop"
    last = _last(asked, prompt, len(words), why)
    if asked.get("stream", True) is False:
        return web.json_response(last | part(" ".join(words)))
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await answer.prepare(request)
    for word in words:
        line = {"model": asked["model"], "created_at": _now(), **part(f"{word} "), "done": False}
        await answer.write(json.dumps(line).encode() + b"\n")
    await answer.write(json.dumps(last | part("")).encode() + b"\n")
    return answer


def _last(asked: Document, prompt: str, words: int, why: str) -> Document:
    """A whole answer's or last line's, but for what is said in it."""
    return {
        "model": asked["model"],
        "created_at": _now(),
        "done": True,
        "done_reason": why,
        "total_duration": 174560334,
        "load_duration": 101397084,
        "prompt_eval_count": len(prompt.split()),
        "prompt_eval_duration": 13074791,
        "eval_count": words,
        "eval_duration": 52479709,
    }


def _message(text: str) -> Document:
    return {"role": "assistant", "content": text}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _vector(text: str) -> list[float]:
    """How often each letter is in it, to length one."""
    counts = [0.1] * WIDTH
    for letter in text.lower():
        counts[ord(letter) % WIDTH] += 1
    length = math.hypot(*counts)
    return [count / length for count in counts]


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description="Ollama's API, without a model.")
    parser.add_argument("--port", type=int, default=8000)
    app = web.Application()
    app.router.add_get("/", lambda _: web.Response(text="Ollama is running"))
    for path, answer in (("chat", chat), ("generate", generate), ("embed", embed)):
        app.router.add_post(f"/api/{path}", answer)
    web.run_app(app, host="127.0.0.1", port=parser.parse_args().port, access_log=None)


if __name__ == "__main__":
    main()
