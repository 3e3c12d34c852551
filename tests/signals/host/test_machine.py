"""Figures of the machine are those of psutil and of the kernel's own tools."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from agent.signals.host import machine


def counted(**more: int) -> SimpleNamespace:
    names = ("bytes_recv", "bytes_sent", "errin", "errout", "dropin", "dropout")
    return SimpleNamespace(**dict.fromkeys(names, 1) | more)


def test_memory_is_as_the_kernel_has_it() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    found = machine.sample(())
    assert found.memory_total == total == sum(found.memory.values())
    assert 0 < found.memory_available <= total


def test_cpu_time_is_as_the_kernel_counts_it() -> None:
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    found = machine.sample(())
    assert sum(found.cpu.values()) == pytest.approx(sum(ticks) / os.sysconf("SC_CLK_TCK"), rel=0.01)


def test_paths_on_one_file_system_are_one(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    found = machine.sample((str(tmp_path), str(tmp_path / "below"), str(tmp_path / "nowhere")))
    [one] = found.file_systems
    assert one.path == str(tmp_path)
    assert 0 < one.used + one.free <= one.total


def test_interfaces_are_few_real_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["lo", "veth12", "docker0", "br-7", "ens\udcff", *(f"eth{n}" for n in range(20))]
    many = {name: counted(bytes_recv=7) for name in names}
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: many)
    found = machine.sample(()).interfaces
    assert len(found) == machine.INTERFACES
    assert [one.name for one in found[:2]] == ["ens?", "eth0"]
    assert found[0].received == 7


def test_disks_and_networks_that_cannot_be_read_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: bool) -> None:
        raise PermissionError("not for you")

    monkeypatch.setattr(psutil, "net_io_counters", refuse)
    monkeypatch.setattr(psutil, "disk_io_counters", refuse)
    found = machine.sample(())
    assert (found.interfaces, found.disks) == ((), None)
