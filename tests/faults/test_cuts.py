"""Either side cut at every byte: nobody takes the part for the whole, nobody gets a byte more."""

from __future__ import annotations

import asyncio
import json
from itertools import product

import httptools
import pytest
import uvloop

from tests.faults.certificates import certificates
from tests.faults.cutting import commonly, end, exchange, serving, strictly, together
from tests.harness import eventually
from tests.wire import chunked, request, response

pytestmark = pytest.mark.slow

COUNT = "http_server_request_duration_seconds_count"
HOWS = ["close", "reset"]

TOKENS = [b'data: {"choices": [{"delta": {"content": "t%d"}}]}\n\n' % n for n in range(8)]
BODY = b"".join(TOKENS)
ANSWERS = {
    "length": response(BODY, b"Content-Type: text/plain", b"Connection: close"),
    "chunked": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: X-T\r\n\r\n" + chunked(BODY[:50], BODY[50:], trailers=b"X-T: 1\r\n"),
    "events": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*TOKENS),
}
LATE = 0.01
"""Seconds between the last byte and the end, in half of the cuts: two reads of the proxy's."""


def ask(framing: str, size: int, how: str, late: bool) -> bytes:
    target = "/".join(("", framing, str(size), how, "late" if late else "now"))
    return request(b"POST", target.encode(), b"Connection: close", body=b"pay")


class CuttingModel:
    """Answers with as much as the target asks for, and ends the connection."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(3)
        self.asked += 1
        framing, size, how, when = head.split(b" ")[1].decode().split("/")[1:]
        writer.write(ANSWERS[framing][: int(size)])
        await asyncio.sleep(LATE if when == "late" else 0)
        end(writer, how)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_response_cut_at_any_byte_is_never_whole(start, own_origin, tmp_path, tls):
    """An abort or our own 502; what came is a beginning of what was sent. Each counted once."""
    settings, context = certificates(tmp_path)
    proxy = start(own_origin.url, {"tls": settings} if tls else {})
    step = 5 if tls else 1
    tally = {"cuts": 0, "502": 0, "abort": 0}
    heads = {}

    async def one(framing: str, size: int, how: str, late: bool) -> None:
        sent = ask(framing, size, how, late)
        got = await exchange(proxy.address, sent, context if tls else None)
        status, fields, body, whole = strictly(got)
        fields = [field for field in fields if field[0] != b"x-request-id"]
        case = f"{framing} cut at {size} by {how}: {got}"
        if size == len(ANSWERS[framing]):
            assert (status, body, whole) == (200, BODY, True), case
            heads[framing] = fields
        elif status == 502:
            assert whole, case
            assert json.loads(body)["error"]["reason"] == "upstream_reset", case
            tally["502"] += 1
        else:
            assert not whole, f"a clean end: {case}"
            assert not commonly(got), f"a clean end for http.client: {case}"
            assert status in (0, 200), case
            assert not status or fields == heads[framing], case
            assert BODY.startswith(body), f"injected: {case}"
            tally["abort"] += 1

    async def all_of_them() -> int:
        model = CuttingModel()
        async with serving(own_origin.listener, model):
            for framing, answer in ANSWERS.items():
                await one(framing, len(answer), "close", False)
                sizes = range(0, len(answer), step)
                cuts = list(product(sizes, HOWS))
                await together(one(framing, n, how, bool(n % 2)) for n, how in cuts)
                tally["cuts"] += len(cuts)
        return model.asked

    asked = uvloop.run(all_of_them())
    cuts = tally["502"] + tally["abort"]
    print(tally)
    assert cuts == tally["cuts"]
    assert asked == cuts + len(ANSWERS), "each executed once"
    eventually(lambda: proxy.metric(COUNT) >= asked, "all counted")
    scrape = proxy.metrics()
    assert scrape.value(COUNT) == asked
    assert scrape.value(COUNT, error_type="upstream_reset") == cuts
    assert scrape.value("outrider_requests_failed_total", reason="upstream_reset") == cuts


REQUESTS = {
    "head": request(b"GET", b"/head", b"Accept: */*"),
    "length": request(b"POST", b"/length", body=BODY[:150]),
    "chunked": request(b"POST", b"/chunked", b"Transfer-Encoding: chunked", b"Trailer: X-T")
    + chunked(BODY[:50], BODY[50:150], trailers=b"X-T: 1\r\n"),
}


class Recorder:
    """A model server that keeps what it believes to have been asked, and answers it."""

    def __init__(self) -> None:
        self.heads = 0
        self.whole: list[bytes] = []
        self.open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Recording(self, writer)
        self.open += 1
        try:
            while data := await reader.read(1 << 16):
                connection.parser.feed_data(data)
        finally:
            self.open -= 1


class _Recording:
    def __init__(self, recorder: Recorder, writer: asyncio.StreamWriter) -> None:
        self._recorder, self._writer = recorder, writer
        self._url = b""
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_headers_complete(self) -> None:
        self._recorder.heads += 1

    def on_message_complete(self) -> None:
        self._recorder.whole.append(self._url)
        self._url = b""
        self._writer.write(response(b"ok"))


@pytest.mark.parametrize(
    ("client_eof", "tls"), [("abort", False), ("half_close", False), ("abort", True)]
)
def test_request_cut_at_any_byte_is_never_whole(start, own_origin, tmp_path, client_eof, tls):
    """The model server never sees a request to its end that was not sent to its end."""
    files, context = certificates(tmp_path)
    proxy = start(own_origin.url, {"client_eof": client_eof, **({"tls": files} if tls else {})})
    recorder = Recorder()

    async def one(framing: str, size: int, how: str) -> None:
        await exchange(proxy.address, REQUESTS[framing][:size], context if tls else None, how)

    async def all_of_them() -> int:
        cuts = [
            (framing, size, how)
            for framing, sent in REQUESTS.items()
            for size, how in product(range(1, len(sent), 5 if tls else 1), HOWS)
        ]
        async with serving(own_origin.listener, recorder):
            await together(one(*cut) for cut in cuts)
            for framing, sent in REQUESTS.items():
                whole = sent.replace(b"Host", b"Connection: close\r\nHost", 1)
                got = await exchange(proxy.address, whole, context if tls else None)
                assert strictly(got)[0] == 200, f"{framing}: {got}"
            while proxy.metric(COUNT) < recorder.heads:
                await asyncio.sleep(0.01)
        return len(cuts)

    cuts = uvloop.run(all_of_them())
    print(f"{cuts} cuts, {recorder.heads} heads arrived, {len(recorder.whole)} whole requests")
    assert recorder.whole == [b"/head", b"/length", b"/chunked"]
    assert recorder.heads > len(REQUESTS), "of some cut requests the head was passed on"
    scrape = proxy.metrics()
    assert scrape.value(COUNT, http_response_status_code="200") == len(REQUESTS)
    assert scrape.value("http_server_active_requests") == 0
