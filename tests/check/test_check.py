"""`outrider check` of real sidecars: each thing that can be wrong has its line and its code."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.check.arguments import CODES
from agent.check.checks import CHECKS
from tests.harness import Outrider, eventually, free_ports
from tests.report.conftest import Done, outrider


def check(proxy: Outrider, *more: str) -> Done:
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
    admin, health = (f"http://{host}:{port}" for host, port in (proxy.admin, proxy.health))
    return outrider("check", "--admin", admin, "--health", health, *more)


def failed(done: Done) -> dict[str, str]:
    checks = json.loads(done.stdout)["checks"]
    assert [one["check"] for one in checks] == [*CHECKS]
    assert all(bool(one["remedy"]) is not one["ok"] for one in checks)
    return {one["check"]: one["text"] for one in checks if not one["ok"]}


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Something that is no Outrider, and says this to whoever asks."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_codes_are_of_all_checks() -> None:
    assert [*CODES] == [*CHECKS]


def test_all_is_well_before_any_traffic_unless_verdicts_are_needed(start, own_origin) -> None:
    proxy = start(own_origin.url)
    done = check(proxy)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["ok", c] for c in CHECKS]
    strict = check(proxy, "--need-verdicts", "--json")
    assert strict.returncode == CODES["drift"]
    assert failed(strict).keys() == {"drift"}


def test_a_model_server_that_is_away_is_told_and_waited_for(start) -> None:
    [port] = free_ports(1)
    proxy = start(f"http://127.0.0.1:{port}", ready="/healthz")
    done = check(proxy, "--json")
    assert done.returncode == CODES["ready"]
    assert "unreachable" in failed(done)["ready"]
    waited: list[Done] = []
    waiting = threading.Thread(target=lambda: waited.append(check(proxy, "--wait", "30s")))
    waiting.start()
    with socket.create_server(("127.0.0.1", port)):
        waiting.join()
    assert waited[0].returncode == 0, waited[0]


def test_a_sink_that_is_away_is_told(start, own_origin) -> None:
    [port] = free_ports(1)
    sinks = {"sinks": {"archive": {"type": "loki", "url": f"http://127.0.0.1:{port}"}}}
    proxy = start(own_origin.url, sinks)
    client = http.client.HTTPConnection(*proxy.address)
    client.request("POST", "/", b"{}")
    own_origin.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    client.getresponse().read()
    client.close()
    told = eventually(lambda: failed(check(proxy, "--json")), "the sink to be away")
    assert told.keys() == {"logs"}
    assert "archive is away" in told["logs"]


def test_a_reference_that_is_refused_is_told(start, own_origin, tmp_path) -> None:
    damaged = tmp_path / "reference.json"
    damaged.write_text('{"format": 3}')
    proxy = start(own_origin.url, args=["--reference", str(damaged)])
    told = failed(check(proxy, "--json"))
    assert "is not used" in told["drift"]


def test_a_drain_is_not_ready(start, own_origin) -> None:
    slow = {"drain": {"delay": "20s", "grace": "1s", "flush": "1s"}}
    proxy = start(own_origin.url, slow, exit_code=128 + signal.SIGTERM)
    proxy.signal(signal.SIGTERM)
    eventually(lambda: proxy.probe("/readyz") == 503, "it to drain")
    done = check(proxy)
    assert done.returncode == CODES["ready"]
    assert "drains" in done.stdout
    proxy.process.send_signal(signal.SIGTERM)


def test_nobody_there_fails_all_by_the_first_code() -> None:
    ports = free_ports(2)
    admin, health = (f"http://127.0.0.1:{port}" for port in ports)
    done = outrider("check", "--admin", admin, "--health", health, "--json")
    assert done.returncode == CODES["health"]
    assert failed(done).keys() == CHECKS.keys()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nx\x1b[2J\r\nok forged\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://example.invalid/\r\nContent-Length: 0\r\n\r\n",
        b"\x00\xff\r\n" * 5000,
        b"",
    ],
)
def test_what_is_no_outrider_is_told_and_forges_no_line(answer: bytes) -> None:
    with answering(answer) as url:
        done = outrider("check", "--admin", url, "--health", url)
    assert done.returncode in CODES.values()
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert all(line.isprintable() for line in lines)
    assert [line.split()[1] for line in lines if line[0] != " "] == [*CHECKS]
    assert "FAILED  metrics" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--wait", "soon"], "--wait"),
        (["--wait", "off"], "--wait"),
        (["--admin", "http://"], "--admin"),
        (["--health", "ftp://h"], "--health"),
        (["--skip", "all"], "--skip"),
    ],
)
def test_wrong_usage_is_two(arguments: list[str], said: str) -> None:
    done = outrider("check", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
