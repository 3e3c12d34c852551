"""What the kernel says of processes and sockets is read as psutil reads it."""

from __future__ import annotations

import os
import socket
import threading
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals.host import procfs
from tests.signals.host.trees import stat_line


def test_a_process_is_what_psutil_says() -> None:
    found, known = procfs.stat_of(os.getpid()), psutil.Process()
    assert found is not None
    assert found.name == Path("/proc/self/comm").read_text().strip()
    assert found.parent == os.getppid()
    assert found.threads == known.num_threads() >= threading.active_count()
    assert found.memory == pytest.approx(known.memory_info().rss, rel=0.05)
    started = psutil.boot_time() + found.start / procfs.TICKS
    assert started == pytest.approx(known.create_time(), abs=0.02)
    times = known.cpu_times()
    assert found.cpu / procfs.TICKS == pytest.approx(times.user + times.system, abs=0.5)
    assert procfs.open_files(os.getpid()) == pytest.approx(known.num_fds(), abs=1)


@given(st.text(max_size=15).filter(lambda name: "\0" not in name))
def test_a_name_may_be_anything(name: str) -> None:
    found = procfs.stat(stat_line(7, 3, name=name, cpu=5, children=6, threads=2, start=9, pages=4))
    assert found == procfs.Stat(name, "S", 3, 5, 6, 2, 9, 4 * procfs.PAGE)


@given(st.text() | st.none())
def test_no_text_is_an_error(text: str | None) -> None:
    procfs.stat(text)
    procfs.number(text)
    procfs.table(text)
    table = (text or "").encode("utf-8", "surrogatepass").splitlines()
    list(procfs.listeners(table, 8000))
    list(procfs.unix_listeners(table, "/a"))


@given(st.lists(st.sampled_from([*"0123456789ABCDEF: \n", "0A ", ":1F40 "]), max_size=80))
def test_no_table_of_sockets_is_an_error(pieces: list[str]) -> None:
    for address, inode in procfs.listeners("".join(pieces).encode().splitlines(), 8000):
        assert address.version in (4, 6)
        assert inode.isdigit()


def test_a_zombie_is_gone(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(stat_line(7, state="Z"))
    assert procfs.stat_of(7, str(tmp_path)) is None
    assert procfs.stat_of(8, str(tmp_path)) is None


def test_a_file_that_is_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert procfs.read(str(tmp_path / "pipe")) == ""
    assert procfs.read(str(tmp_path)) is None
    assert [*procfs.lines(str(tmp_path / "nowhere"))] == []


@pytest.mark.parametrize(
    ("kind", "host", "address"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0", "0.0.0.0"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_listening_socket_is_found_with_its_owner(
    kind: socket.AddressFamily, host: str, address: str
) -> None:
    with socket.socket(kind) as listener, socket.socket(kind) as client:
        listener.bind((host, 0))
        listener.listen()
        port = listener.getsockname()[1]
        client.connect((host, port))
        name = "tcp" if kind == socket.AF_INET else "tcp6"
        table = [*procfs.lines(f"/proc/self/net/{name}")]
        [(found, inode)] = procfs.listeners(table, port)
        assert found == ip_address(address)
        assert inode == str(os.fstat(listener.fileno()).st_ino)
        assert procfs.owners({inode}) == [os.getpid()]
        assert not list(procfs.listeners(table, client.getsockname()[1]))


def test_a_unix_socket_is_found(tmp_path: Path) -> None:
    path = str(tmp_path / "model server.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        assert not list(procfs.unix_listeners(procfs.lines("/proc/self/net/unix"), path))
        listener.listen()
        [inode] = procfs.unix_listeners(procfs.lines("/proc/self/net/unix"), path)
        assert inode == str(os.fstat(listener.fileno()).st_ino)
