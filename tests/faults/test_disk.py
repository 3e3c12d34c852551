"""A full or broken disk harms no request, is said once, and is over when it is over."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest

from tests.faults.load import Load, counting_model
from tests.harness import Outrider, eventually, get

pytestmark = pytest.mark.slow

TOTAL = 3000
COUNT = "http_server_request_duration_seconds_count"
FULL = Path("/dev/full")
LEARNING = {"reference": {"learn": {"rows": 500}}, "window": {"rows": 100, "seconds": "1h"}}


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


def all_served(proxy: Outrider, total: int = TOTAL) -> None:
    with Load(proxy.address, total) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (total, 0, 0, {})


def lines(proxy: Outrider, outcome: str) -> float:
    return proxy.metric("outrider_sink_records_total", sink="stdout", outcome=outcome)


def own_lines(proxy: Outrider, words: str) -> list[str]:
    return [line for line in proxy.stderr().splitlines() if words in line]


def test_a_full_disk_under_the_log(start, model):
    """ENOSPC of the kernel's own: every log line is refused, counted and told of once."""
    proxy = start(model.url, stdout=FULL)
    all_served(proxy)
    eventually(lambda: lines(proxy, "rejected") == TOTAL, "all lines counted as rejected")
    assert lines(proxy, "sent") == 0
    assert proxy.metric(COUNT, http_request_method="POST") == TOTAL
    assert len(own_lines(proxy, "No space left on device")) == 1, proxy.report()
    assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
    [sink] = get(proxy.admin, "/api/v1/status").json()["sinks"]
    assert (sink["name"], sink["records"]["rejected"]) == ("stdout", TOTAL)


def test_a_full_disk_under_everything_that_is_written(start, model):
    """Not even its own troubles can be told: nothing hangs, nothing dies."""
    proxy = start(model.url, stdout=FULL, stderr=FULL)
    observer, worker = proxy.pid("observer"), proxy.pid("worker")
    all_served(proxy)
    eventually(lambda: lines(proxy, "rejected") == TOTAL, "all lines counted as rejected")
    assert (proxy.pid("observer"), proxy.pid("worker")) == (observer, worker)
    assert proxy.metric(COUNT, http_request_method="POST") == TOTAL


def limit_file_size(pid: int, size: int) -> None:
    """What a full file system is to one process: no file of it grows beyond `size` bytes."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_disk_that_fills_up_and_is_freed(start, model):
    """The line at the brink is lost, not glued to the first one after it."""
    proxy = start(model.url)
    all_served(proxy, 100)
    eventually(lambda: lines(proxy, "sent") == 100, "the lines to be written")
    observer = proxy.pid("observer")
    size = len(proxy.stdout().encode())
    limit_file_size(observer, size + 1500)
    all_served(proxy)
    eventually(lambda: lines(proxy, "sent") + lines(proxy, "rejected") == TOTAL + 100, "an end")
    lost = lines(proxy, "rejected")
    assert lost > 0
    limit_file_size(observer, resource.RLIM_INFINITY)
    all_served(proxy, 100)
    eventually(lambda: lines(proxy, "sent") + lines(proxy, "rejected") == TOTAL + 200, "an end")
    assert lines(proxy, "rejected") == lost
    last = proxy.stdout().splitlines()[-100:]
    assert all(json.loads(line)["request_id"] for line in last)
    assert proxy.pid("observer") == observer


@pytest.mark.parametrize("trouble", ["no folder", "full"])
def test_a_learned_reference_that_cannot_be_kept_is_used_all_the_same(
    start, model, tmp_path, trouble
):
    """Said in /api/v1/drift; the reference is in memory, and judged by."""
    state = tmp_path / "state"
    if trouble == "no folder":
        state.write_text("a file where a folder should be")
    proxy = start(model.url, {"state_dir": str(state), "drift": LEARNING})
    if trouble == "full":
        limit_file_size(proxy.pid("observer"), 1400)
    all_served(proxy)
    drift = eventually(lambda: judged(proxy), "a verdict")
    assert drift["learned_references"]["error"], drift
    assert str(state) in drift["learned_references"]["error"]
    eventually(lambda: own_lines(proxy, "kept in memory only"), "a line that says so")
    assert len(own_lines(proxy, "kept in memory only")) == 1


def judged(proxy: Outrider):
    drift = get(proxy.admin, "/api/v1/drift").json()
    [one] = drift["models"] or [{}]
    return drift if one.get("windows_judged") else None


def test_a_state_dir_deleted_while_it_runs_is_made_anew(start, model, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    proxy = start(model.url, {"state_dir": str(state), "drift": LEARNING})
    shutil.rmtree(state)
    all_served(proxy)
    eventually(lambda: list(state.glob("reference-*.json")), "the reference to be kept")
