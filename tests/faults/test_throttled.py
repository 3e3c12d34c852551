"""A pod that gets a tenth of a core: slow, but nobody in it is killed as hung.

The throttle is that of the kernel's scheduler as its victims see it: all processes stand still
for 90 ms of every 100. It is made of signals, which every machine has; a cgroup's cpu.max would
need one that may be written.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.faults.load import Load, counting_model
from tests.harness import Outrider, eventually

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("OUTRIDER_TEST_THROTTLED", "13"))
"""For which it is throttled; the supervisor calls hung what has not moved for ten of its own."""
PERIOD, SHARE = 0.1, 0.1


@contextlib.contextmanager
def throttled(proxy: Outrider) -> Iterator[None]:
    """A tenth of the time for all processes that it has, those too that it starts meanwhile."""
    stop = threading.Event()

    def tell(number: int) -> None:
        for pids in proxy.pids().values():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def loop() -> None:
        while not stop.is_set():
            tell(signal.SIGSTOP)
            stop.wait(PERIOD * (1 - SHARE))
            tell(signal.SIGCONT)
            stop.wait(PERIOD * SHARE)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        tell(signal.SIGCONT)


def nobody_is_killed(start, seconds: float) -> None:
    with counting_model() as model:
        proxy = start(model.url, {"workers": 2})
        eventually(lambda: len(proxy.pids()["worker"]) == 2, "both workers to bear their name")
        before = proxy.pids()
        with (
            throttled(proxy),
            Load(proxy.address, 10**9, connections=4, per_connection=20, think=0.1) as load,
        ):
            until = monotonic() + seconds
            eventually(lambda: monotonic() > until, "the time to pass", seconds + 5)
            load.stop()
        print(f"{load.answered} requests in {seconds} s")
        assert load.answered > 10
        assert (load.lost, load.refused, load.errors) == (0, 0, {})
        assert proxy.pids() == before
        assert proxy.metric("outrider_process_restarts_total") == 0
        assert not proxy.said("hung")


def test_nobody_is_killed_as_hung(start):
    nobody_is_killed(start, SECONDS)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_nobody_is_killed_as_hung_in_five_minutes(start):
    nobody_is_killed(start, 300)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_start_that_is_throttled_comes_to_its_end(start):
    with counting_model() as model:
        proxy = start(model.url, ready=None)
        with throttled(proxy):
            eventually(lambda: proxy.probe("/readyz") == 200, "ready", 120)
            eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer", 120)
        assert proxy.metric("outrider_process_restarts_total") == 0
        assert not proxy.said("hung")
