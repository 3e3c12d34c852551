"""The model server's processes: who they are, and what they use over time."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import psutil
import pytest

from agent.settings.units import Upstream
from agent.signals.host import procfs, upstream
from agent.signals.host.model_process import LONGEST, SHARE, SOON, ModelProcesses
from agent.signals.host.upstream import Family, NotHere, family, find
from tests.harness import free_ports
from tests.signals.host.trees import stat_line, write

LOG = logging.getLogger("test")


def ours() -> list[int]:
    """Pids of Outrider's own, in a /proc of our making."""
    return [900, 901]


class Proc:
    """A /proc of our own making; `look` goes on by some seconds and looks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0
        self.searches = 0
        self.holders = [10]
        write(root, {"stat": "cpu 1\nbtime 1000\n"})
        self.cost = 0.0
        self.processes = ModelProcesses(
            self._find, LOG, str(root), lambda: self.cost * self.searches
        )

    def _find(self) -> Family | None:
        self.searches += 1
        return family(self.holders, ours, str(self.root))

    def put(self, pid: int, parent: int = 1, **stat: object) -> None:
        write(self.root, {f"{pid}/stat": stat_line(pid, parent, **stat)})  # type: ignore[arg-type]
        (self.root / str(pid) / "fd").mkdir(exist_ok=True)

    def end(self, pid: int) -> None:
        rmtree(self.root / str(pid))

    def look(self, passed: float = 10.0):
        self.now += passed
        return self.processes.look(self.now)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_a_family_is_summed(proc: Proc) -> None:
    proc.put(10, name="gunicorn", cpu=100, threads=1, start=500, pages=3)
    proc.put(11, 10, cpu=200, threads=4, pages=5)
    proc.put(12, 11, cpu=300, threads=2, pages=7, children=50)
    proc.put(20, cpu=9999)
    for n in range(3):
        (proc.root / "11" / "fd" / str(n)).touch()
    found = proc.look()
    assert found.pids == (10, 11, 12)
    assert (found.name, found.processes, found.threads) == ("gunicorn", 3, 7)
    assert found.memory == 15 * procfs.PAGE
    assert found.cpu_seconds == 650 / procfs.TICKS
    assert found.started == 1000 + 500 / procfs.TICKS


def test_our_own_processes_are_none_of_them(proc: Proc) -> None:
    """Whoever started both holds the socket: a notebook, a test."""
    proc.put(10)
    proc.put(900, 10)
    proc.put(901, 900)
    proc.put(11, 10)
    assert proc.look().pids == (10, 11)


def test_a_server_that_our_supervisor_adopted_is_found(proc: Proc) -> None:
    """A script starts it, and then becomes Outrider: `serve & exec outrider run`."""
    proc.put(900)
    proc.put(901, 900)
    proc.put(10, 900)
    proc.put(11, 10)
    assert proc.look().pids == (10, 11)


def test_who_forwards_to_elsewhere_is_not_the_model_server(proc: Proc) -> None:
    proc.put(10, name="docker-proxy")
    assert proc.look() is None


def test_of_several_that_share_a_socket_the_parent_is_the_root(proc: Proc) -> None:
    proc.holders = [12, 11, 10]
    proc.put(10)
    proc.put(11, 10)
    proc.put(12, 9)
    found = family(proc.holders, ours, str(proc.root))
    assert found is not None
    assert [*found.roots] == [10, 12]
    assert [*found.members] == [10, 12, 11]


def test_what_is_known_is_not_looked_for_each_time(proc: Proc) -> None:
    proc.put(10)
    for _ in range(600):
        assert proc.look(1.0)
    assert proc.searches <= 600 / LONGEST + 5


def test_a_worker_that_starts_later_is_found(proc: Proc) -> None:
    proc.put(10, cpu=100)
    proc.look()
    proc.put(11, 10, cpu=50)
    assert proc.look(SOON).cpu_seconds == 150 / procfs.TICKS


def test_a_worker_that_ends_leaves_its_time_to_its_parent(proc: Proc) -> None:
    proc.put(10, cpu=100)
    proc.put(11, 10, cpu=50)
    proc.look()
    proc.end(11)
    proc.put(10, cpu=110, children=55)
    found = proc.look()
    assert found.pids == (10,)
    assert found.cpu_seconds == 165 / procfs.TICKS


def test_time_never_falls_though_nobody_takes_it_over(proc: Proc) -> None:
    proc.put(10, cpu=100)
    proc.put(11, 10, cpu=50)
    proc.look()
    proc.end(11)
    assert proc.look().cpu_seconds == 150 / procfs.TICKS
    proc.put(10, cpu=107)
    assert proc.look().cpu_seconds == 157 / procfs.TICKS


def test_a_pid_that_another_process_has_by_now_is_not_believed(proc: Proc) -> None:
    proc.put(10, cpu=100, start=500)
    proc.look()
    proc.holders = []
    proc.put(10, name="cron", cpu=5, start=900)
    assert proc.look() is None


def test_a_new_server_adds_its_time(proc: Proc) -> None:
    proc.put(10, cpu=100)
    proc.look()
    proc.end(10)
    proc.holders = []
    assert proc.look() is None
    proc.holders = [30]
    proc.put(30, cpu=7, start=800)
    found = proc.look()
    assert found.pids == (30,)
    assert found.cpu_seconds == 107 / procfs.TICKS
    assert found.own_cpu_seconds == 7 / procfs.TICKS
    assert found.started == 1000 + 800 / procfs.TICKS


def test_a_server_that_is_not_there_is_looked_for_ever_more_seldom(proc: Proc) -> None:
    proc.holders = []
    for _ in range(600):
        assert proc.look(1.0) is None
    assert proc.searches <= 600 / LONGEST + 8
    proc.put(10)
    proc.holders = [10]
    assert any(proc.look(1.0) for _ in range(int(LONGEST) + 1))


def test_where_searching_is_dear_it_is_seldom(proc: Proc) -> None:
    proc.cost = 0.5
    proc.holders = []
    for _ in range(4000):
        proc.look(1.0)
    assert proc.searches <= 4000 / (0.5 / SHARE) + 10


def test_a_server_elsewhere_is_looked_for_once(proc: Proc) -> None:
    searches = []

    def elsewhere() -> Family | None:
        searches.append(1)
        raise NotHere("10.9.8.7 is no address of this machine")

    processes = ModelProcesses(elsewhere, LOG, str(proc.root))
    assert [processes.look(now) for now in (0, 100, 10_000)] == [None] * 3
    assert len(searches) == 1


def test_an_unknown_name_is_asked_for_again(proc: Proc) -> None:
    answers: list[Family | OSError] = [OSError("no such name"), Family({10: 100}, {10: 100}, "m")]
    proc.put(10)

    def asked() -> Family | None:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    processes = ModelProcesses(asked, LOG, str(proc.root))
    assert processes.look(0) is None
    assert processes.look(100) is not None


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_an_address_of_another_machine_is_not_looked_for(host: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    with pytest.raises(NotHere, match=host):
        find(Upstream(f"http://{shown}:8000"), tuple)


def test_loopback_and_own_addresses_are_ours() -> None:
    assert upstream.own_addresses("127.0.0.1", 1)
    assert upstream.own_addresses("localhost", 1)
    assert len(upstream.own_addresses("0.0.0.0", 1)) == 3
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET:
                assert upstream.own_addresses(one.address, 1)


SERVER = """
import os, socket, sys
kind, where, workers = sys.argv[1:]
if kind == "tcp":
    listener = socket.create_server(("127.0.0.1", int(where)))
else:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen()
for _ in range(int(workers)):
    if not os.fork():
        break
print(os.getpid(), flush=True)
while True:
    listener.accept()
"""


@pytest.fixture
def serve() -> Iterator:
    """Starts a server of several processes; gives the pid of the first."""
    started: list[subprocess.Popen[bytes]] = []

    def serve(kind: str, where: str, workers: int) -> int:
        command = [sys.executable, "-c", SERVER, kind, where, str(workers)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        for _ in range(workers + 1):
            assert started[-1].stdout is not None
            started[-1].stdout.readline()
        return started[-1].pid

    yield serve
    for process in started:
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_real_server_of_several_workers(serve) -> None:
    [port] = free_ports(1)
    pid = serve("tcp", str(port), 2)
    found = find(Upstream(f"http://localhost:{port}"), tuple)
    assert found is not None
    assert [*found.roots] == [pid]
    assert set(found.members) == {pid, *(c.pid for c in psutil.Process(pid).children())}
    look = ModelProcesses(lambda: found, LOG).look(0)
    assert look is not None
    assert look.processes == 3
    assert look.open_files == sum(psutil.Process(p).num_fds() for p in look.pids)
    assert look.started == pytest.approx(psutil.Process(pid).create_time(), abs=1.0)


def test_a_real_server_at_a_unix_socket(serve, tmp_path: Path) -> None:
    path = tmp_path / "model.sock"
    pid = serve("unix", str(path), 0)
    found = find(Upstream(f"unix://{path}"), tuple)
    assert found is not None
    assert [*found.members] == [pid]


def test_nobody_listens() -> None:
    [port] = free_ports(1)
    assert find(Upstream(f"http://127.0.0.1:{port}"), tuple) is None


def test_a_connection_to_the_port_is_no_server(serve) -> None:
    [port] = free_ports(1)
    pid = serve("tcp", str(port), 0)
    with socket.create_connection(("127.0.0.1", port)):
        found = find(Upstream(f"http://127.0.0.1:{port}"), tuple)
    assert found is not None
    assert [*found.members] == [pid]
    assert os.getpid() not in found.members
