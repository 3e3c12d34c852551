"""A language model's streams through the real sidecar: one longer than what is captured, one that
its reader leaves."""

from __future__ import annotations

import json

from tests.harness import Outrider, eventually, get
from tests.origin import RawOrigin
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
        admin = ("127.0.0.1", proxy.ports[1])
        # A machine that is busy sheds sketches: as many as it takes.
        for n in range(2000):
            _stream(proxy, own_origin, is_left=n % 2 == 1)
            if n >= 99 and n % 10 == 9 and get(admin, "/api/v1/reference").status == 200:
                break
        count = {"dialect": "openai_chat", "outcome": "ok"}
        eventually(lambda: proxy.metric("outrider_decode_total", **count) == n + 1, "all decoded")
        columns = {one["name"]: one for one in get(admin, "/api/v1/reference").json()["columns"]}
        truncated = columns["stream.truncated"]
        counts = dict(zip(truncated["categories"], truncated["counts"], strict=False))
        ended, left = counts["false"], counts["true"]
        assert min(ended, left) > 20
        assert columns["prompt.characters"]["moments"]["count"] == ended + left
        assert columns["finish_reason"]["counts"] == [ended, 0]
        assert columns["answer.characters"]["missing"] == ended  # too long to know
        assert not proxy.said("private")


def _stream(proxy: Outrider, origin: RawOrigin, is_left: bool) -> None:
    """One answer; `is_left`: its reader goes after the first piece."""
    with proxy.connect() as client:
        client.send(request(b"POST", b"/v1/chat/completions", KIND, body=ASKED))
        stream = origin.take()
        stream.request()
        stream.send(HEAD + chunked(chunk("word"))[:-5])
        if is_left:
            client.until(b"word")
            client.close()
            stream.end()
            return
        rest = [chunk(f"private {i}") for i in range(40)]
        stream.send(chunked(*rest, chunk("", finish_reason="stop"), b"data: [DONE]\n\n"))
        assert client.response().body.endswith(b"[DONE]\n\n")
    origin.free(stream)
