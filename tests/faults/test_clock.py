"""The wall clock jumps by an hour, forth and back: nothing that lasts is measured by it.

libfaketime moves the clock of the whole sidecar while it runs; the monotonic clock stays true.
"""

from __future__ import annotations

import glob
import json
import time
from pathlib import Path

import pytest

from tests.faults.load import Load, counting_model
from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import request, response

pytestmark = [pytest.mark.slow, pytest.mark.needs("faketime")]

COUNT = "http_server_request_duration_seconds_count"
HOUR = 3600
JUMPS = ("+1h", "-1h", "+1", "-1", "+0")
TOTAL = 500


class Clock:
    """The wall clock of a process that was started with `env`."""

    def __init__(self, folder: Path) -> None:
        [library] = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        self.file = folder / "clock"
        self.jump("+0")
        self.env = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset: str) -> None:
        self.file.write_text(offset)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


def seconds(offset: str) -> int:
    return int(offset.rstrip("h")) * (HOUR if offset.endswith("h") else 1)


def records(proxy: Outrider) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in proxy.stdout().splitlines()]
    return [line for line in lines if "request_id" in line]


def age(record: dict[str, object]) -> float:
    """Seconds by which a record's own time lies behind the true one."""
    stamp = str(record["timestamp"])
    told = time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
    return time.time() - (time.mktime(told) - time.timezone)


def test_jumps_under_load(start, model, clock):
    """Nothing fails, nobody is taken for hung, no duration is negative or an hour long."""
    proxy = start(model.url, env=clock.env)
    pids = {role: proxy.pid(role) for role in ("worker", "observer")}
    for n, offset in enumerate(JUMPS, 1):
        clock.jump(offset)
        with Load(proxy.address, TOTAL) as load:
            pass
        assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
        eventually(lambda: len(records(proxy)) == n * TOTAL, "its records")  # noqa: B023
        assert abs(age(records(proxy)[-1]) + seconds(offset)) < 60, "the jump was seen"
        assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
    for record in records(proxy):
        for name in ("duration_ms", "upstream_ms", "overhead_ms"):
            assert 0 <= float(str(record[name])) < 60_000, record
    scrape = proxy.metrics()
    total = TOTAL * len(JUMPS)
    assert scrape.value(COUNT, http_request_method="POST") == total
    assert scrape.value("outrider_records_total", stage="finished") == total
    assert scrape.value("outrider_records_dropped_total") == 0
    for name in ("http_server_request_duration", "outrider_upstream_duration"):
        assert 0 <= scrape.value(f"{name}_seconds_sum") < total
    assert pids == {role: proxy.pid(role) for role in pids}


def test_a_stream_that_began_before_a_jump_sheds_nothing(start, own_origin: RawOrigin, clock):
    """Its record looks an hour old when it comes; that is no sign of a backlog."""
    proxy = start(own_origin.url, env=clock.env)
    with proxy.connect() as client:
        client.send(request(b"GET", b"/stream"))
        origin = own_origin.take()
        origin.request()
        origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nda")
        client.until(b"da")
        clock.jump("+1h")
        origin.send(b"ta")
        client.until(b"ta")
        own_origin.free(origin)
    eventually(lambda: proxy.metric("outrider_records_total", stage="finished") == 1, "its record")
    scrape = proxy.metrics()
    assert scrape.value("outrider_shed_level") == 0
    assert scrape.value("outrider_records_dropped_total") == 0
    [record] = eventually(lambda: records(proxy), "its line")
    assert float(str(record["duration_ms"])) < 60_000


def test_timeouts_are_on_time(start, own_origin: RawOrigin, clock):
    """A first byte that does not come is waited for as long as was said."""
    proxy = start(own_origin.url, {"timeouts": {"first_byte": "1s"}}, env=clock.env)
    with proxy.connect() as client:
        client.send(request())
        own_origin.take().request()
        clock.jump("-1h")
        began = time.monotonic()
        assert client.response().status == 504
        assert time.monotonic() - began > 0.2
    clock.jump("+1h")
    with proxy.connect() as client:
        client.send(request())
        own_origin.serve(response(b"fine"))
        assert client.response().body == b"fine"
