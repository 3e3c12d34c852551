"""A language model's streams through the real sidecar: one longer than what is captured, one that
its reader leaves."""

from __future__ import annotations

import json

from tests.harness import eventually, get
from tests.wire import chunked, request

ASKED = json.dumps(
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "private words"}]}
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
KIND = b"Content-Type: application/json"


def chunk(text: str, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, **more}
    document = {"id": "c", "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def test_streams_are_read_by_their_ends_and_count_where_they_are_left(start, own_origin):
    settings = {
        "capture": {"max_body_bytes": "2KiB"},
        "drift": {"reference": {"learn": {"rows": 100}}, "window": {"rows": 50}},
    }
    with start(own_origin.url, settings) as proxy:
        for n in range(100):
            with proxy.connect() as client:
                client.send(request(b"POST", b"/v1/chat/completions", KIND, body=ASKED))
                stream = own_origin.take()
                stream.request()
                stream.send(HEAD + chunked(chunk("word"))[:-5])
                if n % 2:
                    client.until(b"word")
                    client.close()
                    stream.end()
                    continue
                rest = [chunk(f"private {i}") for i in range(40)]
                stream.send(chunked(*rest, chunk("", finish_reason="stop"), b"data: [DONE]\n\n"))
                assert client.response().body.endswith(b"[DONE]\n\n")
            own_origin.free(stream)
        count = {"dialect": "openai_chat", "outcome": "ok"}
        eventually(lambda: proxy.metric("outrider_decode_total", **count) == 100, "all decoded")
        admin = ("127.0.0.1", proxy.ports[1])
        eventually(lambda: get(admin, "/api/v1/reference").status == 200, "a reference")
        columns = {one["name"]: one for one in get(admin, "/api/v1/reference").json()["columns"]}
        assert columns["prompt.characters"]["moments"]["count"] == 100
        assert columns["stream.truncated"]["counts"] == [50, 50, 0]
        assert columns["finish_reason"]["counts"] == [50, 0]
        assert columns["answer.characters"]["missing"] == 50  # too long to know
        assert not proxy.said("private")
