"""Tunnels for the protocols that are allowed, plain HTTP/1.1 for all others."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect as ws_connect
from websockets.sync.server import ServerConnection, serve

from tests.harness import Outrider, eventually
from tests.wire import request, response

WS = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
ASK = request(b"GET", b"/chat", *WS)


def switch(client, origin):
    """A tunnel through the proxy; the origin's end of it."""
    client.send(ASK)
    stream = origin.take()
    stream.request()
    stream.send(SWITCH)
    assert client.response().status == 101
    return stream


def test_upgrade_head_passes_both_ways(client, origin):
    client.send(ASK)
    stream = origin.take()
    seen = stream.request()
    assert seen.one(b"upgrade") == b"websocket"
    assert b"upgrade" in seen.tokens(b"connection")
    assert seen.one(b"sec-websocket-key") == b"dGhlIHNhbXBsZSBub25jZQ=="
    stream.send(SWITCH)
    got = client.response()
    assert got.start == b"HTTP/1.1 101 Switching Protocols"
    assert got.one(b"upgrade") == b"websocket"
    assert b"upgrade" in got.tokens(b"connection")
    assert got.one(b"sec-websocket-accept") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_no_byte_is_passed_before_the_101(client, origin):
    """CVE-2026-2833. The 103's way through the proxy shows that it had its chance."""
    client.send(ASK, b"early bytes")
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert client.head().status == 103
    assert stream.unread == b""
    assert origin.pending() == 0
    stream.send(SWITCH)
    assert stream.exactly(11) == b"early bytes"


def test_bytes_right_behind_the_101_arrive(client, origin):
    client.send(ASK)
    stream = origin.take()
    stream.request()
    stream.send(SWITCH, b"first words")
    assert client.response().status == 101
    assert client.exactly(11) == b"first words"


def test_bytes_of_the_tunnel_are_not_looked_at(client, origin):
    stream = switch(client, origin)
    noise = bytes(range(256)) * 1000 + b"GET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\n"
    client.send(noise)
    assert stream.exactly(len(noise)) == noise
    stream.send(noise[::-1])
    assert client.exactly(len(noise)) == noise[::-1]


@pytest.mark.parametrize("side", ["client", "origin"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_the_end_of_one_side_ends_the_other(client, origin, side, how):
    stream = switch(client, origin)
    one, other = (client, stream) if side == "client" else (stream, client)
    one.send(b"last words")
    assert other.exactly(10) == b"last words"
    getattr(one, how)()
    assert other.end() in ("eof", "reset")


def test_a_tunnel_is_counted_once_when_it_is_over(client, origin, proxy):
    count = "http_server_request_duration_seconds_count"
    labels = {"http_response_status_code": "101", "error_type": ""}
    before = proxy.metric(count, **labels)
    stream = switch(client, origin)
    client.send(b"x" * 1000)
    stream.exactly(1000)
    client.close()
    stream.end()
    eventually(lambda: proxy.metric(count, **labels) == before + 1, "the tunnel counted")


@pytest.mark.parametrize("status", [b"426 Upgrade Required", b"200 OK", b"401 Unauthorized"])
def test_a_refused_upgrade_is_plain_http(client, origin, status):
    client.send(ASK)
    stream = origin.take()
    stream.request()
    stream.send(response(b"no", b"Upgrade: websocket", b"Connection: Upgrade", status=status))
    got = client.response()
    assert (got.start, got.body) == (b"HTTP/1.1 " + status, b"no")
    origin.free(stream)
    try:
        client.send(request(target=b"/after"))
        assert origin.take(deadline=1).request().target == b"/after"
    except (AssertionError, OSError):
        assert client.end() in ("eof", "reset")


def test_bytes_behind_a_refused_upgrade_are_not_passed_as_a_tunnels(client, origin):
    """CVE-2026-69243: they are the client's next request, or nobody's."""
    client.send(ASK, b"\x81\x85\x00\x00\x00\x00hello\r\n\r\n")
    stream = origin.take()
    stream.request()
    stream.send(response(b"no", status=b"426 Upgrade Required"))
    assert client.response().status == 426
    origin.free(stream)
    assert client.end() in ("eof", "reset")
    assert origin.pending() == 0
    assert b"hello" not in stream.received


@pytest.mark.parametrize("protocol", [b"h2c", b"TLS/1.0", b"foo", b"websocket-x"])
def test_other_upgrades_are_taken_out(client, origin, protocol):
    extra = (b"Connection: Upgrade, HTTP2-Settings, X-Named", b"HTTP2-Settings: AAMAAABk")
    client.send(request(b"GET", b"/", *extra, b"Upgrade: " + protocol, b"X-Named: 1"))
    seen = origin.serve()
    assert client.response().body == b"ok"
    for name in (b"upgrade", b"http2-settings", b"x-named"):
        assert not seen.all(name)
    assert b"upgrade" not in seen.tokens(b"connection")


def test_other_upgrades_with_a_body_go_on_as_http(client, origin):
    client.send(request(b"POST", b"/", b"Connection: Upgrade", b"Upgrade: h2c", body=b"abc"))
    seen = origin.serve()
    assert (seen.body, seen.all(b"upgrade")) == (b"abc", [])
    assert client.response().body == b"ok"


def test_upgrade_without_the_connection_option_is_none(client, origin):
    client.send(request(b"GET", b"/", *WS[1:]))
    assert not origin.serve().all(b"upgrade")
    assert client.response().body == b"ok"


def test_upgrade_in_1_0_is_ignored(client, origin):
    """RFC 9110 7.8."""
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert not origin.serve().all(b"upgrade")
    assert client.response().body == b"ok"


def test_tunnels_can_be_forbidden(start, own_origin):
    proxy = start(own_origin.url, {"tunnel": {"protocols": []}})
    with proxy.connect() as client:
        client.send(ASK)
        assert not own_origin.serve().all(b"upgrade")
        assert client.response().body == b"ok"


def chat(connection: ServerConnection) -> None:
    """Echoes; `close` ends with a code and a reason, `drop` without either."""
    for message in connection:
        if message == "close":
            connection.close(4001, "as you wish")
        elif message == "drop":
            connection.socket.shutdown(2)
        else:
            connection.send(message)


@pytest.fixture(scope="module")
def chat_url():
    """A `websockets` server behind an Outrider."""

    def gate(connection, asked):
        if asked.path == "/forbidden":
            return connection.respond(403, "no\n")
        return None

    with serve(chat, "127.0.0.1", 0, max_size=None, process_request=gate) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        with Outrider(f"http://127.0.0.1:{port}") as proxy:
            yield f"ws://{proxy.address[0]}:{proxy.address[1]}"
        server.shutdown()
        thread.join()


def test_websocket_text_and_binary(chat_url):
    with ws_connect(chat_url + "/chat", subprotocols=None) as socket:
        for message in ("hello", "grüße €", "", b"", b"\x00\xff", b"x" * 125, b"x" * 70_000):
            socket.send(message)
            assert socket.recv() == message
        socket.ping().wait(5)


def test_websocket_frames_of_eight_megabytes(chat_url):
    block = os.urandom(8 << 20)
    with ws_connect(chat_url, max_size=None, compression=None) as socket:
        socket.send(block)
        echoed = socket.recv()
    assert hashlib.sha256(echoed).digest() == hashlib.sha256(block).digest()


def test_websocket_fragments_stay_fragments(chat_url):
    with ws_connect(chat_url) as socket:
        socket.send(iter(["a", "b", "c"]))
        assert socket.recv() == "abc"


def test_websocket_close_codes_pass(chat_url):
    with ws_connect(chat_url) as socket:
        socket.send("close")
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv()
    assert caught.value.rcvd.code == 4001
    assert caught.value.rcvd.reason == "as you wish"


def test_websocket_loss_is_no_clean_close(chat_url):
    with ws_connect(chat_url) as socket:
        socket.send("drop")
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv()
    assert caught.value.rcvd is None


def test_websocket_refusal_passes(chat_url):
    with pytest.raises(InvalidStatus) as caught:
        ws_connect(chat_url + "/forbidden").close()
    assert caught.value.response.status_code == 403
