"""A client that leaves, at any moment: the model server hears of it, it is counted, nothing stays.

The promise is 100 ms from the client's end to the closed connection to the model server; what was
measured is printed (`pytest -s`), the assertion waits longer, for the machine may be busy.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from itertools import cycle, islice, product

import pytest

from tests.faults.certificates import certificates
from tests.faults.moments import (
    FULL,
    INSIDE_THE_REQUEST,
    QUICK,
    Moment,
    gone,
    not_taken,
)
from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import DEADLINE, Stream, request

pytestmark = pytest.mark.slow

COUNT = "http_server_request_duration_seconds_count"
LEFT = {"http_response_status_code": "499", "error_type": "client_abort"}
QUICK_POOL = {"timeouts": {"pool": "300ms"}}


def leave(client: Stream, how: str) -> None:
    if how == "half_close, reset":
        client.half_close()
        how = "reset"
    getattr(client, how)()


def heard(origin: RawOrigin, stream: Stream, since: float) -> float:
    """Seconds from `since` until the model server could know of the departure."""
    assert gone(stream, DEADLINE), "the model server was not told"
    seconds = time.monotonic() - since
    origin.forget(stream)
    stream.close()
    return seconds


@pytest.fixture(scope="module")
def origin():
    with RawOrigin() as origin:
        yield origin


@pytest.fixture(scope="module")
def served(origin, tmp_path_factory):
    """An Outrider of each kind, and its clients' TLS context."""
    tls, context = certificates(tmp_path_factory.mktemp("tls"))
    with (
        Outrider(origin.url) as plain,
        Outrider(origin.url, {"tls": tls}) as secure,
        Outrider(origin.url, {"client_eof": "half_close"}) as patient,
    ):
        yield {"plain": (plain, None), "tls": (secure, context), "half_close": (patient, None)}


WAYS = ["reset", "close", "half_close", "half_close, reset"]


def is_departure(kind: str, moment: Moment, how: str) -> bool:
    """Whether this end says that the client is gone.

    An end does not arrive while bytes before it are not taken; and where a client may end its
    side and wait, an end behind its whole request is none.
    """
    if moment is not_taken:
        return how == "reset"
    return "reset" in how or kind != "half_close" or moment in INSIDE_THE_REQUEST


CASES = [
    pytest.param(kind, moment, how, id=f"{kind}-{moment.__name__}-{how}")
    for kind, moment, how in product(["plain", "tls", "half_close"], QUICK + FULL, WAYS)
    if is_departure(kind, moment, how)
]


@pytest.mark.parametrize(("kind", "moment", "how"), CASES)
def test_the_model_server_hears_of_it_and_it_is_a_499(served, origin, kind, moment, how):
    proxy, context = served[kind]
    before = proxy.metric(COUNT, **LEFT)
    client = proxy.connect(context)
    stream = moment(client, origin, b"/left")
    since = time.monotonic()
    leave(client, how)
    print(f"{heard(origin, stream, since) * 1e3:.1f} ms")
    client.close()
    eventually(lambda: proxy.metric(COUNT, **LEFT) > before, "the 499 counted")
    scrape = proxy.metrics()
    assert scrape.value(COUNT, **LEFT) == before + 1
    assert scrape.value("http_server_active_requests") == 0


def open_files(proxy: Outrider) -> int:
    return len(os.listdir(f"/proc/{proxy.pid('worker')}/fd"))


def departures(proxy: Outrider, origin: RawOrigin, count: int) -> list[float]:
    """So many clients that leave, at every moment and in every way in turn; the seconds each took.

    Every seventh leaves before its head is complete, which is no request.
    """
    took = []
    for n, (moment, how) in enumerate(islice(cycle(product(QUICK, WAYS)), count)):
        if n % 7 == 0:
            with proxy.connect() as early:
                early.send(request(b"POST", b"/early")[:-2])
        client = proxy.connect()
        stream = moment(client, origin, b"/left/%d" % n)
        since = time.monotonic()
        leave(client, how)
        took.append(heard(origin, stream, since))
        client.close()
    return took


def records_of_departures(proxy: Outrider) -> Counter[str]:
    """Paths of the log records with status 499."""
    lines = (json.loads(line) for line in proxy.stdout().splitlines() if line.startswith("{"))
    return Counter(
        line["url.path"] for line in lines if line.get("http.response.status_code") == 499
    )


@pytest.mark.parametrize(
    "count", [1000, pytest.param(20_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_of_a_thousand_nothing_is_left(start, own_origin, count):
    """Each has its record and is counted once; files and memory are back where they were."""
    proxy = start(own_origin.url, QUICK_POOL)
    departures(proxy, own_origin, 64)
    eventually(lambda: proxy.metric(COUNT, **LEFT) == 64, "the first ones counted")
    files, memory = open_files(proxy), proxy.rss()
    took = sorted(departures(proxy, own_origin, count))
    shown = {part: took[min(int(part * count), count - 1)] for part in (0.5, 0.99, 1.0)}
    print(", ".join(f"p{part * 100:.0f} {s * 1e3:.1f} ms" for part, s in shown.items()))
    eventually(lambda: proxy.metric(COUNT, **LEFT) >= count + 64, "all counted", 60)
    scrape = proxy.metrics()
    assert scrape.value(COUNT) == scrape.value(COUNT, **LEFT) == count + 64
    assert scrape.value("outrider_requests_failed_total", reason="client_abort") == count + 64
    assert scrape.value("http_server_active_requests") == 0
    eventually(lambda: open_files(proxy) <= files, f"{files} files open as before", 60)
    eventually(lambda: records_of_departures(proxy).total() == count + 64, "the records", 60)
    assert len(records_of_departures(proxy)) == count
    print(f"memory +{(proxy.rss() - memory) / 1e6:.1f} MB, files {files} as before")
    assert proxy.rss() - memory < 16 << 20
