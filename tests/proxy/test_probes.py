"""The health port: answered by the workers, whatever becomes of the observer."""

from __future__ import annotations

import os
import signal

import pytest

from tests.harness import eventually, get


def test_both_probes_answer_200_with_json(proxy):
    for path in ("/healthz", "/readyz"):
        got = get(proxy.health, path)
        assert got.status == 200
        assert isinstance(got.json(), dict)


def test_other_paths_are_404(proxy):
    assert get(proxy.health, "/").status == 404
    assert get(proxy.health, "/metrics").status == 404


def test_roles_are_shown_by_the_processes(proxy):
    eventually(lambda: all(len(pids) == 1 for pids in proxy.pids().values()), "one of each")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_observer_that_is_away_leaves_them_at_200_and_is_named(start, own_origin, number):
    proxy = start(own_origin.url)
    observer = proxy.pid("observer")
    os.kill(observer, number)
    for path in ("/healthz", "/readyz"):
        got = get(proxy.health, path)
        assert got.status == 200
        assert b"observer" in got.body

    def back() -> bool:
        now = proxy.pids()["observer"]
        return bool(now) and observer not in now and proxy.metric("outrider_build_info") > 0

    if number == signal.SIGKILL:
        eventually(back, "another observer")
    else:
        os.kill(observer, signal.SIGCONT)
