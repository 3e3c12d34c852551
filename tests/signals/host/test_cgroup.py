"""Control groups: v2 and v1, with and without limits, whatever the files hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals.host import cgroup
from agent.signals.host.cgroup import Cgroup
from tests.signals.host.trees import write

V2 = "31 23 0:26 {shown} {where} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "{n} 31 0:{n} {shown} {where}/{name} rw,relatime - cgroup cgroup rw,{name}\n"
V1_NAMES = ("cpu", "cpuacct", "memory", "blkio")
USED = {
    "cpu.stat": "usage_usec 2500000\nuser_usec 1\nnr_periods 40\nnr_throttled 10\n"
    "throttled_usec 750000\n",
    "memory.current": "1000\n",
    "memory.stat": "anon 1\nfile 2\ninactive_file 300\n",
    "memory.events": "low 0\noom 2\noom_kill 1\n",
    "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=5 wbytes=7\n",
}
EXPECTED = Cgroup(
    cpu_seconds=2.5,
    cpu_limit=None,
    periods=40,
    throttled_periods=10,
    throttled_seconds=0.75,
    memory=1000,
    working_set=700,
    memory_limit=None,
    oom_kills=1,
    read_bytes=15,
    written_bytes=27,
)


def v2(root: Path, path: str, shown: str = "/") -> Path:
    """A proc of one process in a group of v2; gives the folder of the mount."""
    where = root / "fs"
    write(
        root / "proc",
        {"self/mountinfo": V2.format(shown=shown, where=where), "self/cgroup": f"0::{path}\n"},
    )
    return where


def seen(root: Path) -> Cgroup | None:
    return cgroup.sample(cgroup.place(proc=str(root / "proc")))


def test_v2_without_limits(tmp_path: Path) -> None:
    write(v2(tmp_path, "/"), {**USED, "cpu.max": "max 100000\n", "memory.max": "max\n"})
    assert seen(tmp_path) == EXPECTED


def test_v2_with_limits(tmp_path: Path) -> None:
    write(v2(tmp_path, "/"), {**USED, "cpu.max": "150000 100000\n", "memory.max": "4096\n"})
    assert seen(tmp_path) == EXPECTED._replace(cpu_limit=1.5, memory_limit=4096)


def test_the_limit_is_the_least_of_the_group_and_those_above(tmp_path: Path) -> None:
    mount = v2(tmp_path, "/a.slice/b.scope")
    write(mount / "a.slice", {"cpu.max": "50000 100000\n", "memory.max": "9000\n"})
    inner = {**USED, "cpu.max": "200000 100000\n", "memory.max": "7000\n"}
    write(mount / "a.slice/b.scope", inner)
    assert seen(tmp_path) == EXPECTED._replace(cpu_limit=0.5, memory_limit=7000)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/kubepods/pod1/c1", "/kubepods/pod1/c1"),  # its own group is what it sees
        ("/../c2", "/../c2"),  # another container, seen from ours
        ("/../../elsewhere", "/"),  # outside of what can be seen: the nearest that can
        ("/other", "/kubepods/pod1/c1"),
    ],
)
def test_what_a_mount_shows_is_cut_from_the_path(tmp_path: Path, path: str, shown: str) -> None:
    write(v2(tmp_path, path, shown), USED)
    assert seen(tmp_path) == EXPECTED


def test_a_mount_with_a_space_in_its_name(tmp_path: Path) -> None:
    where = tmp_path / "a b"
    write(where, USED)
    info = V2.format(shown="/", where=str(where).replace(" ", "\\040"))
    write(tmp_path / "proc", {"self/mountinfo": info, "self/cgroup": "0::/\n"})
    assert seen(tmp_path) == EXPECTED


def test_another_process_is_read_below_its_own_root(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    info = V2.format(shown="/../c2", where="/sys/fs/cgroup")
    write(proc, {"77/mountinfo": info, "77/cgroup": "0::/../c2\n"})
    write(proc / "77" / "root" / "sys/fs/cgroup", {**USED, "memory.max": "5000"})
    found = cgroup.sample(cgroup.place_of_other(77, str(proc)))
    assert found == EXPECTED._replace(memory_limit=5000)


def test_v1(tmp_path: Path) -> None:
    where = tmp_path / "fs"
    info = "".join(
        V1.format(n=n, name=name, shown="/docker/c1", where=where)
        for n, name in enumerate(V1_NAMES, 40)
    )
    groups = "4:cpu,cpuacct:/docker/c1\n3:memory:/docker/c1\n2:blkio:/docker/c1\n1:name=systemd:/\n"
    write(tmp_path / "proc", {"self/mountinfo": info, "self/cgroup": groups})
    write(
        where,
        {
            "cpu/cpu.stat": "nr_periods 40\nnr_throttled 10\nthrottled_time 750000000\n",
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
            "cpuacct/cpuacct.usage": "2500000000\n",
            "memory/memory.usage_in_bytes": "1000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/memory.stat": "cache 1\ntotal_inactive_file 300\n",
            "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            "blkio/blkio.throttle.io_service_bytes": "8:0 Read 15\n8:0 Write 27\n8:0 Total 42\n"
            "Total 42\n",
        },
    )
    assert seen(tmp_path) == EXPECTED
    limits = {"cpu/cpu.cfs_quota_us": "25000", "memory/memory.limit_in_bytes": "8192"}
    write(where, limits)
    assert seen(tmp_path) == EXPECTED._replace(cpu_limit=0.25, memory_limit=8192)


def test_v1_controllers_beside_v2_without(tmp_path: Path) -> None:
    where = tmp_path / "fs"
    info = V2.format(shown="/", where=where / "unified")
    info += V1.format(n=40, name="memory", shown="/", where=where)
    write(tmp_path / "proc", {"self/mountinfo": info, "self/cgroup": "3:memory:/m\n0::/\n"})
    write(where / "unified", {"cpu.stat": "usage_usec 1000000\n"})
    write(where / "memory/m", {"memory.usage_in_bytes": "7\n"})
    assert seen(tmp_path) == Cgroup(cpu_seconds=1.0, memory=7)


@pytest.mark.parametrize(("account", "seconds"), [("/c1", 2.0), ("/", None)])
def test_time_and_limit_are_those_of_one_group(
    tmp_path: Path, account: str, seconds: float | None
) -> None:
    """Where CPU time is counted for another group than is limited, their ratio would be none."""
    where = tmp_path / "fs"
    info = V2.format(shown="/", where=where / "unified")
    for n, name in enumerate(("cpu", "cpuacct"), 40):
        info += V1.format(n=n, name=name, shown="/", where=where)
    groups = f"3:cpuacct:{account}\n2:cpu:/c1\n0::/\n"
    write(tmp_path / "proc", {"self/mountinfo": info, "self/cgroup": groups})
    write(
        where,
        {
            "unified/cpu.stat": "usage_usec 9000000\n",
            "cpu/c1/cpu.cfs_quota_us": "20000",
            "cpu/c1/cpu.cfs_period_us": "100000",
            "cpuacct/cpuacct.usage": "9000000000\n",
            "cpuacct/c1/cpuacct.usage": "2000000000\n",
        },
    )
    assert seen(tmp_path) == Cgroup(cpu_seconds=seconds, cpu_limit=0.2)


def test_no_files_no_figures(tmp_path: Path) -> None:
    assert seen(tmp_path) is None
    v2(tmp_path, "/")
    assert seen(tmp_path) is None


def test_garbage_is_no_figure(tmp_path: Path) -> None:
    mount = v2(tmp_path, "/")
    write(mount, dict.fromkeys(USED, "-1 garbage \x00\n\n"))
    write(mount, {"cpu.max": "100000 0\n", "memory.max": "1e9"})
    assert seen(tmp_path) is None


@given(st.text(), st.text())
def test_no_text_is_an_error(text: str, other: str) -> None:
    cgroup.mounts(text)
    cgroup.membership(text)
    cgroup.cpu_max(text)
    cgroup.io_stat(text)
    cgroup.blkio(text)
    cgroup._folders(text, other, "/fs", "")


@given(st.integers(1, 10**12), st.integers(1, 10**9))
def test_a_quota_over_a_period_is_cores(quota: int, period: int) -> None:
    assert cgroup.cpu_max(f"{quota} {period}\n") == quota / period


NAMES = st.text(st.characters(exclude_characters="/", codec="ascii"), min_size=1, max_size=4)


@given(st.lists(NAMES.filter(lambda name: name not in (".", "..")), max_size=5))
def test_folders_go_from_the_group_up_to_the_mount(parts: list[str]) -> None:
    found = cgroup._folders("/" + "/".join(parts), "/", "/fs", "/r")
    assert found[0] == "/".join(("/r/fs", *parts))
    assert found[-1] == "/r/fs"
    assert len(found) == len(parts) + 1


def test_this_machine_tells_something() -> None:
    found = cgroup.sample(cgroup.place())
    assert found is None or all(value is None or value >= 0 for value in found)
