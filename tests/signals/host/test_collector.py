"""The host's figures as metrics: declared, bounded, absent where they are not known."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from agent.settings.units import Upstream
from agent.signals.host import catalog, gpu
from agent.signals.host.cgroup import Cgroup
from agent.signals.host.collector import HostCollector
from agent.signals.host.sampler import Host
from agent.signals.host.shares import cpu_shares, view
from agent.signals.metrics import make_registry, render
from agent.signals.otlp_metrics import metrics_data
from tests.harness import ROOT, Metrics, eventually
from tests.signals.host.nvml import Nvml

LOG = logging.getLogger("test")
GROUP = Cgroup(4.0, 2.0, 100, 20, 1.5, 1000, 700, 2000, 0, 5, 6)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Looked at twice, with a GPU that is not there and with this process as the model server."""
    monkeypatch.setattr(gpu, "load", lambda: Nvml({"uuid": "GPU-1", "compute": {os.getpid(): 9}}))
    groups = [GROUP._replace(cpu_seconds=10.0, throttled_periods=25, periods=110), GROUP]
    monkeypatch.setattr("agent.signals.host.cgroup.sample", lambda _: groups[-1])
    (tmp_path / "model").write_bytes(b"x" * 77)
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Host(
            Upstream(f"http://127.0.0.1:{server.getsockname()[1]}"),
            every=10.0,
            ours=tuple,
            paths=("/", str(tmp_path)),
            model_path=str(tmp_path / "model"),
            log=LOG,
            clock=clock,
        )
        for _ in range(2):
            ticks = sum(psutil.cpu_times())
            made.look()
            clock.now += 5.0
            if len(groups) > 1:
                groups.pop()
            eventually(lambda now=ticks: sum(psutil.cpu_times()) > now, "ticks of the CPU")
        yield made


def scraped(host: Host) -> Metrics:
    return Metrics(render(make_registry(HostCollector(host)), "")[0].decode())


def test_every_metric_is_declared_and_there(host: Host) -> None:
    names = {f.name for f in HostCollector(host).collect()}
    assert names == set(catalog.BY_NAME)


def test_they_are_what_was_sampled(host: Host) -> None:
    found = scraped(host)
    assert found.value("container_cpu_time_seconds_total", cgroup="model") == 10
    assert found.value("container_cpu_limit_cores", cgroup="outrider") == 2
    assert found.value("outrider_model_artifact_size_bytes") == 77
    assert found.value("outrider_model_processes") >= 1
    assert found.value("outrider_model_process_gpu_memory_bytes", hw_id="GPU-1") == 9
    assert found.value("hw_gpu_utilization_ratio", hw_name="NVIDIA T4", hw_type="gpu") == 0.5
    assert found.value("hw_errors_total", error_type="uncorrected") == 1
    assert found.value("system_cpu_utilization_ratio") == pytest.approx(1)
    memory = psutil.virtual_memory()
    assert found.value("system_memory_usage_bytes") == memory.total
    assert found.value("system_memory_limit_bytes") == memory.total
    space = psutil.disk_usage("/")
    free = found.value(
        "system_filesystem_usage_bytes",
        system_filesystem_mountpoint="/",
        system_filesystem_state="free",
    )
    assert free == pytest.approx(space.free, rel=0.01)


@pytest.mark.needs("promtool")
def test_promtool_has_nothing_to_say(host: Host) -> None:
    text, _ = render(make_registry(HostCollector(host)), "")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_by_otlp_they_have_opentelemetrys_names_and_units(host: Host) -> None:
    registry = make_registry(HostCollector(host))
    data = metrics_data(registry.collect(), Resource({}), InstrumentationScope("o", "1"), 5, 9)
    [resource] = encode_metrics(data).resource_metrics
    units = {m.name: m.unit for m in resource.scope_metrics[0].metrics}
    assert units["system.cpu.time"] == "s"
    assert units["system.memory.usage"] == "By"
    assert (units["hw.power"], units["hw.energy"], units["hw.temperature"]) == ("W", "J", "Cel")
    assert units["hw.errors"] == ""
    keys = {
        a.key
        for m in resource.scope_metrics[0].metrics
        for p in (*m.gauge.data_points, *m.sum.data_points)
        for a in p.attributes
    }
    assert keys - {"cgroup"} == {*catalog.OTEL_LABELS.values(), "error.type"}


def test_an_old_sample_is_not_shown(host: Host, clock: Clock) -> None:
    clock.now += 60
    names = {f.name for f in HostCollector(host).collect()}
    assert names == {spec.name for spec in (catalog.ARTIFACT_SIZE, catalog.ARTIFACT_MODIFIED)}
    assert view(host, 0) is None
    assert (host.cpu_seconds(), host.gpu_seconds()) == (None, None)


def test_the_view_is_flat_numbers(host: Host) -> None:
    seen = view(host, time.time())
    assert seen is not None
    assert (seen["of"], seen["cpu_ratio"], seen["cpu_limit"]) == ("model", 0.6, 2.0)
    assert (seen["memory_bytes"], seen["memory_limit_bytes"]) == (700, 2000)
    assert seen["throttled_ratio"] == 0.5
    assert seen["model_memory_bytes"] > 0
    assert 0 <= seen["model_age_seconds"] < 1e5
    [one] = seen["gpus"]
    assert one["utilization"] == 0.5
    json.dumps(seen)


def test_the_cost_of_predictions(host: Host) -> None:
    cpu = host.cpu_seconds()
    assert cpu is not None
    assert cpu >= 0.01
    assert host.gpu_seconds() == pytest.approx(2.5)


def test_shares_of_no_time_are_none(host: Host) -> None:
    last = host.samples()[1]
    assert last is not None
    assert cpu_shares(last.machine, last.machine) == {}


def test_a_missing_model_is_told_once_and_found_later(
    clock: Clock, tmp_path: Path, caplog: Any
) -> None:
    path = tmp_path / "model"
    made = Host(
        Upstream("http://127.0.0.1:9"),
        every=float("inf"),
        ours=tuple,
        paths=(),
        model_path=str(path),
        log=LOG,
        clock=clock,
    )
    with caplog.at_level("INFO"):
        made._look_files()
        made._look_files()
        assert len(caplog.messages) == 1
        assert made.caveats() == caplog.messages
        assert "model.path" in caplog.messages[0]
        assert made.artifact() is None
        path.write_text("abc")
        made._look_files()
    assert made.caveats() == []
    found = made.artifact()
    assert found is not None
    assert found.size == 3


def test_a_call_that_never_comes_back_costs_its_own_figures_alone(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(gpu, "load", never.wait)
    made = Host(
        Upstream("http://192.0.2.7:9"),
        every=10.0,
        ours=tuple,
        paths=(),
        model_path=None,
        log=LOG,
        clock=clock,
    )
    made.start()
    try:
        eventually(lambda: made.samples()[1], "a sample of the machine")
        assert made.gpus() is None
        assert (made.cpu_seconds(), made.gpu_seconds()) == (None, None)
    finally:
        made.stop()
        never.set()


def test_one_sample_can_be_printed() -> None:
    command = [sys.executable, "-m", "agent.signals.host", "--upstream", "http://127.0.0.1:9"]
    done = subprocess.run([*command, "--model", str(ROOT / "agent")], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["memory_limit_bytes"] > 0
    assert found["model_artifact_bytes"] > 0
    assert "gpus" in found
