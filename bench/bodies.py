"""A large body each way: how fast, how dear, and how much memory it takes on its way."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import asdict, dataclass

from bench import contestants as who
from bench import cpu
from bench.contestants import Contestant, running
from bench.processes import BenchError
from bench.report import Table, median, ratio, write
from bench.rig import Rig, say

FIELD = (who.NGINX_LARGE, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL)
PIECE = bytes(range(256)) * 1024
LOOKS = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Passage:
    """One body through one contestant."""

    way: str
    megabytes_a_second: float
    cpu_ms_a_megabyte: float
    growth: float
    """MB of PSS, the most that was seen above what it was before."""


class Watch(threading.Thread):
    """Looks at a contestant's memory until told to stop; keeps the most."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.most = 0.0

    def run(self) -> None:
        """threading's."""
        while not self._over.wait(LOOKS):
            self.most = max(self.most, sum(cpu.pss(self._pid).values()))

    def stop(self) -> float:
        """The most that was seen, in MB."""
        self._over.set()
        self.join()
        return self.most


def _read_answer(connection: socket.socket) -> tuple[bytes, int]:
    """The beginning of the body, and the bytes of the body, of a Content-Length answer."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1 << 16)
        if not piece:
            raise BenchError("the answer's head was cut off")
        head += piece
    head, _, first = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"unexpected answer: {head[:60]!r}")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    size, got = int(fields[b"content-length"]), len(first)
    buffer = bytearray(1 << 18)
    while got < size:
        count = connection.recv_into(buffer)
        if not count:
            raise BenchError(f"the body was cut off after {got} of {size} bytes")
        got += count
    return first, got


def _upload(connection: socket.socket, size: int) -> None:
    connection.sendall(
        b"POST /upload HTTP/1.1\r\nHost: model\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Length: %d\r\n\r\n" % size
    )
    for at in range(0, size, len(PIECE)):
        connection.sendall(PIECE[: size - at])
    text, _ = _read_answer(connection)
    if text != b"%d" % size:
        raise BenchError(f"the model server read {text!r} bytes of {size}")


def _download(connection: socket.socket, size: int) -> None:
    connection.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: model\r\n\r\n" % size)
    _, got = _read_answer(connection)
    if got != size:
        raise BenchError(f"got {got} bytes of {size}")


WAYS = {"up": _upload, "down": _download}


def _pass(rig: Rig, contestant: Contestant) -> list[Passage]:
    size = rig.settings.body
    passages = []
    with running(rig, contestant, rig.large) as one:
        pid = one.process.pid
        for way, go in WAYS.items():
            with socket.create_connection(("127.0.0.1", one.launch.port), 60) as connection:
                go(connection, 100_000)
                used = cpu.settle(pid)  # first: the observer may still be loading
                before = sum(cpu.pss(pid).values())
                watch = Watch(pid)
                watch.start()
                began = time.perf_counter()
                go(connection, size)
                took = time.perf_counter() - began
                most = watch.stop()
                used = cpu.settle(pid) - used
            passages.append(
                Passage(way, size / 1e6 / took, used * 1e9 / size, max(0.0, most - before))
            )
    return passages


def bodies(rig: Rig) -> None:
    """Each contestant in turn, `settings.rounds` times."""
    field = who.chosen(rig, FIELD)
    results: dict[str, list[Passage]] = {one.name: [] for one in field}
    for turn in range(rig.settings.rounds):
        say(f"round {turn + 1} of {rig.settings.rounds}")
        for contestant in field:
            results[contestant.name] += _pass(rig, contestant)
    speeds = {
        (name, way): median([one.megabytes_a_second for one in each if one.way == way])
        for name, each in results.items()
        for way in WAYS
    }
    rows = []
    for contestant in field:
        for way in WAYS:
            each = [one for one in results[contestant.name] if one.way == way]
            speed = speeds[contestant.name, way]
            row = [contestant.title, way, f"{speed:.0f}"]
            row += [ratio(speed, speeds.get((who.NGINX.name, way)))]
            row += [f"{median([one.cpu_ms_a_megabyte for one in each]):.2f}"]
            row += [f"{max(one.growth for one in each):.1f}"]
            rows.append(row)
    columns = ["contestant", "way", "MB/s", "/ nginx", "CPU ms/MB", "most growth, MB of PSS"]
    note = "One connection. The fastest of these are "
    note += "bounded by client and model server, which share the other core."
    table = Table(f"A body of {rig.settings.body / 1e6:g} MB", columns, rows, [note])
    data = {name: [asdict(one) for one in each] for name, each in results.items()}
    write(rig.settings, rig.envoy, "bodies", "Large bodies", [table], data)
