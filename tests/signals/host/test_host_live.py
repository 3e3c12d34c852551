"""A real sidecar before a real model server shows that server's process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness import Outrider, eventually, free_ports, get

SERVER = Path(__file__).with_name("forking_server.py")
OFTEN = {"host": {"sample": "1s"}}


class Model:
    """A model server of a parent and two workers that answers 200 to all."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, str(SERVER), str(port), "2"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        for _ in range(3):
            self.process.stdout.readline()

    @property
    def pids(self) -> set[int]:
        workers = psutil.Process(self.process.pid).children()
        return {self.process.pid, *(worker.pid for worker in workers)}

    def end(self) -> None:
        for pid in self.pids:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model(free_ports(1)[0])
    yield made
    made.end()


def host(proxy: Outrider) -> dict[str, Any]:
    """What /api/v1/status says of the host; empty before the first sample."""
    return get(proxy.admin, "/api/v1/status").json()["host"] or {}


def test_the_model_servers_process_is_shown_and_found_again_after_a_restart(
    start: Callable[..., Outrider], model: Model, tmp_path: Path
) -> None:
    (tmp_path / "model.bin").write_bytes(b"x" * 4321)
    proxy = start(model.url, {**OFTEN, "model": {"path": str(tmp_path)}})

    def settled() -> dict[str, Any]:
        found = host(proxy)
        return found if found.get("model_cpu_ratio") is not None else {}

    seen = eventually(settled, "two samples")
    assert seen["model_processes"] == 3
    assert seen["model_artifact_bytes"] == 4321
    assert seen["gpus"] == [] or seen["gpus"][0]["name"]
    assert get(proxy.admin, "/api/v1/overview").json()["host"]["model_processes"] == 3
    metrics = proxy.metrics()
    assert metrics.value("outrider_model_processes") == 3
    memory = sum(psutil.Process(pid).memory_info().rss for pid in model.pids)
    assert metrics.value("outrider_model_process_memory_bytes") == pytest.approx(memory, rel=0.1)
    started = psutil.Process(model.process.pid).create_time()
    name = "outrider_model_process_start_time_seconds"
    assert metrics.value(name) == pytest.approx(started, abs=1)
    assert metrics.value("system_memory_limit_bytes") == psutil.virtual_memory().total
    cpu = metrics.value("outrider_model_process_cpu_seconds_total")
    # of the observer itself, by prometheus-client, as ever
    observer = psutil.Process(proxy.pid("observer")).create_time()
    assert metrics.value("process_start_time_seconds") == pytest.approx(observer, abs=1)

    model.end()
    eventually(lambda: host(proxy)["model_processes"] is None, "the end to be seen")
    assert "outrider_model_process_cpu_seconds_total" not in proxy.metrics().text
    model.start()
    eventually(lambda: host(proxy)["model_processes"] == 3, "the new server to be seen", 40)
    metrics = proxy.metrics()
    assert metrics.value("outrider_model_process_cpu_seconds_total") >= cpu
    again = psutil.Process(model.process.pid).create_time()
    assert metrics.value(name) == pytest.approx(again, abs=1)
    assert again > started

    def events() -> list[str]:
        return [e["text"] for e in get(proxy.admin, "/api/v1/history").json()["events"]]

    told = f"pid {model.process.pid}) was restarted"
    eventually(lambda: any(told in text for text in events()), "the restart among the day's events")
    assert proxy.said(told)


@pytest.mark.parametrize(
    ("settings", "flags"),
    [(OFTEN, ["--set", "observe=off"]), ({"host": {"sample": "off"}}, [])],
)
def test_where_it_is_off_nothing_is_looked_at(
    start: Callable[..., Outrider], settings: dict[str, Any], flags: list[str]
) -> None:
    proxy = start("http://127.0.0.1:9", settings, args=flags, ready="/healthz")
    status = eventually(lambda: _status(proxy), "the admin port")
    assert status["host"] is None
    text = proxy.metrics().text
    assert "system_cpu_time" not in text
    assert "process_cpu_seconds_total" in text


def test_a_model_path_that_is_not_there_is_a_caveat(start: Callable[..., Outrider]) -> None:
    settings = {"host": {"sample": "off"}, "model": {"path": "/nowhere/model"}}
    proxy = start("http://127.0.0.1:9", settings, ready="/healthz")
    status = eventually(lambda: _status(proxy, "caveats"), "the caveat")
    [caveat] = status["caveats"]
    assert caveat.startswith("model.path: ")
    assert "/nowhere/model: No such file or directory" in caveat
    assert proxy.said(caveat)


def _status(proxy: Outrider, wanted: str = "version") -> dict[str, Any]:
    with suppress(OSError):
        status = get(proxy.admin, "/api/v1/status").json()
        return status if status[wanted] else {}
    return {}
