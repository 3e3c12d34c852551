"""The last day of a real sidecar: known traffic is in it exactly, and is sent to open pages."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from typing import Any

from tests.harness import Outrider, eventually, get
from tests.origin import RawOrigin
from tests.wire import response

ASKED = b'{"instances": [{"age": 39}]}'
STATUSES = {200: 12, 404: 3, 500: 2}


def send(proxy: Outrider, origin: RawOrigin, status: int, body: bytes = ASKED) -> None:
    client = http.client.HTTPConnection(*proxy.address)
    client.request("POST", "/v1/models/m:predict", body, {"Content-Type": "application/json"})
    origin.serve(response(b'{"predictions": [0.5]}', status=b"%d X" % status))
    assert client.getresponse().status == status
    client.close()


def api(proxy: Outrider, path: str) -> Any:
    answer = get(proxy.admin, f"/api/v1/{path}")
    assert answer.status == 200
    return answer.json()


def counted(proxy: Outrider) -> tuple[int, int, int]:
    traffic = api(proxy, "history?hours=1")["traffic"]
    names = ("requests", "client_errors", "server_errors")
    return tuple(sum(count or 0 for count in traffic[name]) for name in names)  # type: ignore[return-value]


def wait_for(proxy: Outrider, *wanted: int) -> None:
    """A request is counted just after its last byte has gone out."""
    eventually(lambda: counted(proxy) == wanted, f"{wanted} to be counted")


def test_known_traffic_is_counted_exactly(start, own_origin) -> None:
    proxy = start(own_origin.url)
    step = api(proxy, "overview")["next_step"]
    assert step["kind"] == "no_traffic"
    assert f"{proxy.address[0]}:{proxy.address[1]}" in step["text"]
    for status, times in STATUSES.items():
        for _ in range(times):
            send(proxy, own_origin, status)
    wait_for(proxy, 17, 3, 2)
    found = api(proxy, "overview")
    for window in (found["now"], found["day"]):
        assert (window["requests"], window["error_ratio"]) == (17, 2 / 17)
        assert 0 < window["p50_ms"] <= window["p90_ms"] <= window["p99_ms"]
    [route] = found["routes"]
    assert (route["route"], route["requests"]) == ("/v1/models/{model}:predict", 17)
    assert found["upstream"] == {"url": own_origin.url, "up": True}
    history = api(proxy, "history")
    assert len(history["at"]) == 1440
    assert {len(series) for series in history["traffic"].values()} == {1440}
    assert history["traffic"]["requests"][0] is None


def test_an_observer_that_is_killed_is_gone_on_from(start, own_origin, tmp_path) -> None:
    proxy = start(own_origin.url, env={"TMPDIR": str(tmp_path)})
    for _ in range(5):
        send(proxy, own_origin, 200)
    eventually(lambda: [*tmp_path.glob("outrider-*/history.bin")], "the history to be kept")
    before = proxy.pid("observer")
    os.kill(before, signal.SIGKILL)
    send(proxy, own_origin, 500)
    eventually(lambda: proxy.pid("observer") != before, "another observer")
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "it to answer")
    send(proxy, own_origin, 200)
    wait_for(proxy, 7, 0, 1)
    assert api(proxy, "overview")["processes"]["observer_restarts"] == 1


def test_the_history_outlives_outrider_and_a_damaged_one_no_harm(
    start, own_origin, tmp_path
) -> None:
    settings = {"state_dir": str(tmp_path)}
    first = start(own_origin.url, settings)
    send(first, own_origin, 200)
    wait_for(first, 1, 0, 0)
    assert first.stop() == 0
    second = start(own_origin.url, settings)
    send(second, own_origin, 200)
    wait_for(second, 2, 0, 0)
    assert second.stop() == 0
    (tmp_path / "history.bin").write_bytes(b"outrider history 1\nnonsense")
    third = start(own_origin.url, settings)
    assert counted(third) == (0, 0, 0)
    assert (tmp_path / "history.damaged").exists()
    assert third.stderr().count("history begins anew") + third.stdout().count("begins anew") == 1


def test_another_generation_goes_on_and_open_pages_end(start, own_origin, tmp_path) -> None:
    settings = {"state_dir": str(tmp_path)}
    first = start(own_origin.url, settings)
    for _ in range(3):
        send(first, own_origin, 200)
    wait_for(first, 3, 0, 0)
    with socket.create_connection(first.admin, timeout=10) as page:
        page.sendall(b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert page.recv(10)
        second = start(own_origin.url, settings, args=["--takeover"], ports=first.ports)
        assert first.process.wait(20) == 0
        while page.recv(1 << 16):
            pass
    send(second, own_origin, 500)
    wait_for(second, 4, 0, 1)


def test_what_was_not_decoded_is_told_with_its_shape_in_live_pages_too(start, own_origin) -> None:
    proxy = start(own_origin.url)
    client = http.client.HTTPConnection(*proxy.address)
    body = b'{"who": {"mail": "kim@example.org", "n": 1}, "list": ["secret", 2]'
    client.request("POST", "/score", body, {"Content-Type": "application/json"})
    own_origin.serve(response(b"fine"))
    client.getresponse().read()

    def told() -> Any:
        step = api(proxy, "overview")["next_step"]
        return step if step and step["kind"] == "not_decoded" else None

    step = eventually(told, "the next step")
    assert "/score" in step["text"]
    assert step["evidence"]["shape"] == "{who: {mail: text, n: number}, list: [text, …]…"
    with socket.create_connection(proxy.admin, timeout=10) as page:
        page.sendall(b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        lines = page.makefile("rb")
        event = next(line for line in lines if line.startswith(b"data: "))
        assert json.loads(event.removeprefix(b"data: "))["next_step"] == step
        assert proxy.stop() == 0
        lines.read()  # to its end
    assert b"kim@" not in event
    assert b"secret" not in event
