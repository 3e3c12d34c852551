"""`--takeover`: the next generation replaces the running one; nothing is refused, nothing lost."""

from __future__ import annotations

import os
import signal
import socket
import time

import psutil
import pytest

from agent.supervision.takeover import address
from tests.faults.generations import (
    ASKS,
    COUNT,
    TAKEN,
    begin,
    ended,
    footprint,
    succeed,
    watching,
)
from tests.faults.load import Load, counting_model
from tests.harness import Outrider, alive, eventually, free_ports, get
from tests.wire import request, response

pytestmark = pytest.mark.slow

TAKEOVERS = int(os.environ.get("OUTRIDER_TEST_TAKEOVERS", "4"))
"""In a row; 20 in the soak, which spreads them over OUTRIDER_TEST_SECONDS."""
SECONDS = float(os.environ.get("OUTRIDER_TEST_SECONDS", "600"))
POST = {"http_request_method": "POST"}


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


def exact(proxy: Outrider, count: int) -> None:
    """The counts, the records and the gauges are those of so many answered requests."""

    def records() -> bool:
        scrape = proxy.metrics()
        finished = scrape.value("outrider_records_total", stage="finished")
        observed = scrape.value("outrider_records_total", stage="observed")
        lost = sum(
            scrape.value("outrider_records_dropped_total", stage=stage)
            for stage in ("worker", "observer")
        )
        return observed == finished + lost == count

    eventually(records, f"{count} records accounted for", 30)
    scrape = proxy.metrics()
    assert scrape.value(COUNT, **POST) == count
    assert scrape.value(COUNT, http_response_status_code="200", **POST) == count
    assert scrape.value("outrider_requests_failed_total") == 0
    assert scrape.value("http_server_active_requests") == 0


def one_after_another(start, model, takeovers: int, pause: float) -> None:
    before = model.count()
    proxy = start(model.url, {"drain": {"delay": "0s", "grace": "20s", "flush": "3s"}})
    kept = Load(proxy.address, 10**9, connections=8, think=0.05)
    fresh = Load(proxy.address, 10**9, connections=4, per_connection=1, think=0.05)
    sizes = []
    with watching(proxy) as watch, kept, fresh:
        try:
            for _ in range(takeovers):
                after = time.monotonic() + pause
                eventually(lambda: time.monotonic() > after, "the pause", pause + 1)  # noqa: B023
                done = kept.done, fresh.done
                new = succeed(start, proxy)
                ended(proxy)
                eventually(lambda: kept.done > done[0], "kept connections")  # noqa: B023
                eventually(lambda: fresh.done > done[1], "new connections")  # noqa: B023
                proxy = new
                sizes.append(footprint(proxy))
        finally:
            kept.stop()
            fresh.stop()
    sent = kept.done + fresh.done
    print(f"{takeovers} takeovers, {sent} requests, {watch.scrapes} scrapes; {sizes[-1]}")
    for load in (kept, fresh):
        assert (load.lost, load.refused, load.errors) == (0, 0, {})
    assert watch.faults == []
    assert model.count() - before == kept.answered + fresh.answered == sent
    exact(proxy, sent)
    assert sizes[0]["ledger"] == sizes[-1]["ledger"]
    assert sizes[-1]["supervisor"] == sizes[0]["supervisor"]
    assert sizes[-1]["worker"][0] <= sizes[0]["worker"][0] + 12, "but for the load's connections"


def test_one_after_another_under_load(start, model):
    one_after_another(start, model, TAKEOVERS, 0.0)


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
def test_twenty_over_ten_minutes(start, model):
    """Goal G7."""
    one_after_another(start, model, 20, SECONDS / 20)


def test_what_is_in_flight_is_finished_by_the_one_that_began_it(start, own_origin):
    proxy = start(own_origin.url, {"drain": {"delay": "3s", "grace": "20s", "flush": "1s"}})
    idle = proxy.connect()
    idle.send(request())
    own_origin.serve()
    assert b"close" not in idle.response().tokens(b"connection")
    waiting, stream = proxy.connect(), proxy.connect()
    waiting.send(request(b"POST", b"/unary", body=b"abc"))
    at_unary = own_origin.take()
    at_unary.request()
    stream.send(request(b"GET", b"/events"))
    at_stream = own_origin.take()
    at_stream.request()
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    at_stream.send(head + b"8\r\ndata: 1\n\r\n")
    stream.until(b"data: 1\n")

    new = succeed(start, proxy, settings={})
    assert proxy.process.poll() is None, "it has requests in flight"
    idle.send(request())
    own_origin.serve()
    assert b"close" in idle.response().tokens(b"connection"), "on to the new one"
    assert idle.end() == "eof"
    for _ in range(10):
        assert observer_of(new) == new.pid("observer"), "the port is the new one's at once"
        assert new.metric("http_server_active_requests") == 2
    with new.connect() as client:
        client.send(request())
        own_origin.serve()
        assert b"close" not in client.response().tokens(b"connection")
    proxy.signal(signal.SIGTERM)  # as a service manager might: it drains already
    at_stream.send(b"8\r\ndata: 2\n\r\n0\r\n\r\n")
    stream.until(b"data: 2\n\r\n0\r\n\r\n")
    stream.close()
    at_unary.send(response(b"late"))
    assert waiting.response().body == b"late"
    assert waiting.end() == "eof"
    ended(proxy)
    assert new.metric(COUNT) == 5
    eventually(lambda: new.metric("http_server_active_requests") == 0, "nothing in flight")


def observer_of(proxy: Outrider) -> int:
    """The process that answers the admin port."""
    status = get(proxy.admin, "/api/v1/status").json()
    [pid] = [process["pid"] for process in status["processes"] if process["role"] == "observer"]
    return int(pid)


def test_with_nobody_to_take_over_from_it_starts_and_says_so(start, own_origin):
    proxy = start(own_origin.url, args=["--takeover"])
    assert proxy.said("there is none to take over from")
    with proxy.connect() as client:
        client.send(request())
        own_origin.serve()
        assert client.response().status == 200


# ---- what fails before the commit leaves the running one as it was


def refused(new: Outrider, *words: str) -> None:
    """It ends with status 2 and a line that says why; nobody of it is left."""
    known = [pid for pids in new.pids().values() for pid in pids]
    new.exit_code = 2
    assert new.process.wait(60) == 2, new.report()
    last = new.stderr().strip().splitlines()[-1]
    assert last.startswith("outrider: "), new.report()
    for word in words:
        assert word in last, new.report()
    assert not new.said(TAKEN)
    eventually(lambda: not alive(known), "its processes to be gone")


@pytest.mark.parametrize("role", ["worker", "observer"])
def test_a_process_of_the_new_one_that_dies_before_all_are_ready(start, model, role):
    """Until all are ready none takes a connection, so none is lost with it."""
    proxy = start(model.url)
    with Load(proxy.address, 10**9, connections=4, per_connection=20, think=0.01) as load:
        try:
            new = start(model.url, args=["--takeover"], ready=None, ports=proxy.ports)
            eventually(lambda: proxy.said(ASKS), "the new one to ask", 30)
            os.kill(new.pid("observer"), signal.SIGSTOP)
            worker = psutil.Process(new.pid("worker"))
            eventually(lambda: len(worker.net_connections("unix")) > 1, "it to reach its observer")
            done = load.done
            eventually(lambda: load.done > done + 100, "the running one to serve on")
            ports = [c.laddr.port for c in worker.net_connections("tcp") if c.status != "LISTEN"]
            assert proxy.ports[0] not in ports
            os.kill(new.pid(role), signal.SIGKILL)
            refused(new, role, "serves on")
            done = load.done
            eventually(lambda: load.done > done + 20, "the running one to serve on")
        finally:
            load.stop()
    assert (load.lost, load.refused, load.errors) == (0, 0, {})
    exact(proxy, load.answered)


def test_the_new_one_killed_before_it_is_ready_then_another_in_its_place(start, model):
    proxy = start(model.url)
    with Load(proxy.address, 10**9, connections=4, per_connection=20, think=0.01) as load:
        try:
            with begin(proxy) as new:
                eventually(lambda: proxy.said(ASKS), "the new one to ask", 30)
                known = [pid for pids in new.pids().values() for pid in pids]
                new.process.kill()
                new.exit_code = -signal.SIGKILL
                eventually(lambda: proxy.said("nothing has changed"), "the running one to notice")
                eventually(lambda: not alive(known), "its children to be gone", 30)
            done = load.done
            eventually(lambda: load.done > done + 20, "the running one to serve on")
            new = succeed(start, proxy)
            ended(proxy)
        finally:
            load.stop()
    assert (load.lost, load.refused, load.errors) == (0, 0, {})
    exact(new, load.answered)


def test_counts_in_another_form_are_not_taken_over(start, own_origin):
    proxy = start(own_origin.url)
    settings = {**proxy.settings, "metrics": {"buckets": {"duration": [0.1, 1.0]}}}
    new = start(own_origin.url, settings, args=["--takeover"], ready=None, ports=proxy.ports)
    refused(new, "metrics.buckets", "SIGTERM", "without --takeover")
    assert proxy.probe("/readyz") == 200


def test_a_new_port_that_somebody_has(start, own_origin):
    proxy = start(own_origin.url)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = (proxy.ports[0], taken, proxy.ports[2])
        new = start(own_origin.url, args=["--takeover"], ready=None, ports=ports)
        refused(new, "admin", str(taken))
    assert proxy.probe("/readyz") == 200


def test_another_data_address_is_another_outrider(start, own_origin):
    """None runs there, so it would start beside; the ports that they share are taken."""
    proxy = start(own_origin.url)
    ports = (*free_ports(1), *proxy.ports[1:])
    new = start(own_origin.url, args=["--takeover"], ready=None, ports=ports)
    refused(new, "health", str(proxy.ports[2]))
    assert proxy.probe("/readyz") == 200


def test_the_running_one_told_to_end_meanwhile_ends(start, own_origin):
    proxy = start(own_origin.url)
    new = start(own_origin.url, args=["--takeover"], ready=None, ports=proxy.ports)
    eventually(lambda: proxy.said(ASKS), "the new one to ask", 30)
    proxy.signal(signal.SIGTERM)
    assert proxy.process.wait(20) == 0
    refused(new, "told to end")


def test_strangers_at_the_door(start, own_origin):
    """Whatever is said there, the next who means it comes in."""
    proxy = start(own_origin.url)
    said = [b"GET / HTTP/1.1\r\n\r\n", b"[]", b"{}", b"x" * 65536, b'{"hello": {"version": 9}}']
    said += [b'{"ready": {}}', b'{"commit": {}}', b'{"hello": {"magic": "outrider takeover"}}']
    where = address(proxy.address)
    for packet in said:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.settimeout(10)
            stranger.connect(where)
            stranger.send(packet)
            assert b'"no"' in stranger.recv(65536), packet
            assert stranger.recv(1) == b""
    for _ in range(3):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(where)
    succeed(start, proxy)
    ended(proxy)


# ---- what may differ


def test_two_at_once_come_one_after_the_other(start, model):
    proxy = start(model.url)
    with Load(proxy.address, 10**9, connections=4, per_connection=20, think=0.01) as load:
        try:
            both = [
                start(model.url, args=["--takeover"], ready=None, ports=proxy.ports)
                for _ in range(2)
            ]
            for new in both:
                eventually(lambda: new.said(TAKEN), "the takeover", 60)  # noqa: B023
            ended(proxy)
            gone = lambda new: new.process.poll() is not None  # noqa: E731
            first = eventually(lambda: next(filter(gone, both), None), "the first to end", 60)
            ended(first)
            last = next(new for new in both if new is not first)
            done = load.done
            eventually(lambda: load.done > done + 20, "the last one to serve")
        finally:
            load.stop()
    assert (load.lost, load.refused, load.errors) == (0, 0, {})
    exact(last, load.answered)


def test_other_numbers_of_workers_and_other_ports_beside(start, model):
    proxy = start(model.url)
    with Load(proxy.address, 10**9, connections=8, per_connection=5, think=0.01) as load:
        try:
            for workers in (3, 2):
                settings = {**proxy.settings, "workers": workers}
                ports = (proxy.ports[0], *free_ports(2))
                new = succeed(start, proxy, settings=settings, ports=ports)
                assert len(new.pids()["worker"]) == workers
                assert new.probe("/readyz") == 200
                ended(proxy)
                done = load.done
                eventually(lambda: load.done > done + 200, "every socket served")  # noqa: B023
                proxy = new
        finally:
            load.stop()
    assert (load.lost, load.refused, load.errors) == (0, 0, {})
    exact(proxy, load.answered)
