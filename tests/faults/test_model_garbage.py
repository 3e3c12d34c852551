"""Model servers that speak something else, answer too early, or are not there any more."""

from __future__ import annotations

import json
import random
import socket
import threading
from contextlib import suppress

import pytest

from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import IncompleteError, request, response

COUNT = "http_server_request_duration_seconds_count"
FAILED = "outrider_requests_failed_total"

TLS_ALERT = bytes.fromhex("15030100020250")
OTHER = {
    "TLS alert": TLS_ALERT,
    "TLS ServerHello": bytes.fromhex("160303007a0200007603") + bytes(range(100)),
    "SSH banner": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "SMTP": b"220 mail.test ESMTP\r\n",
    "Redis": b"-ERR unknown command 'POST'\r\n",
    "HTTP/0.9": b"<html>here it is</html>\n",
    "HTTP/2 SETTINGS": bytes.fromhex("000012040000000000000300000064000400100000000600004000"),
    "PostgreSQL": b"E\x00\x00\x00\x2aSFATAL\x00C08P01\x00\x00",
    "NUL": bytes(100),
    "empty lines": b"\r\n" * 100,
}


def asked(proxy: Outrider, origin: RawOrigin, answer: bytes, how: str):
    """A client's answer where the model server says that, and ends or waits."""
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", body=b"abc"))
        stream = origin.take()
        stream.request()
        with suppress(OSError):
            stream.send(answer)
        if how == "stays":
            try:
                return client.response()
            finally:
                origin.forget(stream)
                stream.close()
        origin.forget(stream)
        stream.close()
        return client.response()


@pytest.fixture(scope="module")
def served():
    with RawOrigin() as origin, Outrider(origin.url) as proxy:
        yield proxy, origin


@pytest.mark.parametrize("kind", OTHER)
def test_another_protocol_is_502(served, kind):
    """With a JSON body that names the reason, whether the model server hangs up or not."""
    proxy, origin = served
    for how in ("closes",) if kind == "empty lines" else ("closes", "stays"):
        got = asked(proxy, origin, OTHER[kind], how)
        assert got.status == 502
        reason = json.loads(got.body)["error"]["reason"]
        assert reason in ("upstream_protocol", "upstream_reset")


def test_random_bytes_are_never_an_answer(served):
    proxy, origin = served
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    before = proxy.metric(FAILED)
    for _ in range(200):
        got = asked(proxy, origin, chance.randbytes(chance.randrange(1, 400)), "closes")
        assert got.status == 502
    eventually(lambda: proxy.metric(FAILED) == before + 200, "each counted")


def test_random_bytes_in_the_middle_of_an_answer_abort_it(served):
    """Damage behind the head: never a clean end, never a byte that is not the model server's."""
    proxy, origin = served
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
    for _ in range(100):
        noise = b"\xff" + chance.randbytes(chance.randrange(1, 200))
        with pytest.raises(IncompleteError) as cut:
            asked(proxy, origin, head + noise, "closes")
        message = cut.value.message
        assert message is None or message.body in (b"", b"first")


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"413 Content Too Large"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_answer_before_the_request_was_read_is_readable(served, status, how):
    """The model server answers after the head and closes at once, the body unread."""
    proxy, origin = served
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: 8000000"))
        stream = origin.take()
        stream.head()

        def upload() -> None:
            with suppress(OSError):
                for _ in range(80):
                    client.send(bytes(100_000))

        stream.send(response(b'{"error": "no"}', b"Connection: close", status=status))
        if how == "close":
            stream.half_close()
        thread = threading.Thread(target=upload)
        thread.start()
        got = client.response()
        origin.forget(stream)
        stream.close() if how == "close" else stream.reset()
        assert (got.status, got.body) == (int(status[:3]), b'{"error": "no"}')
        client.close()
        thread.join()


def test_a_unix_socket_that_vanishes_and_comes_back(start, tmp_path):
    path = tmp_path / "model.sock"
    with RawOrigin(path=path) as origin:
        proxy = start(origin.url)
        with proxy.connect() as client:
            client.send(request())
            origin.serve(response(b"ok", b"Connection: close"))
            assert client.response().body == b"ok"
    path.unlink()
    with proxy.connect() as client:
        client.send(request())
        got = client.response()
        assert (got.status, json.loads(got.body)["error"]["reason"]) == (502, "upstream_connect")
        eventually(lambda: proxy.probe("/readyz") == 503, "not ready")
        socket.socket(socket.AF_UNIX).bind(str(path))  # there, and nobody listens
        client.send(request())
        assert client.response().status == 502
        path.unlink()
        with RawOrigin(path=path) as origin:
            eventually(lambda: proxy.probe("/readyz") == 200, "ready by itself")
            client.send(request())
            origin.serve()
            assert client.response().status == 200
