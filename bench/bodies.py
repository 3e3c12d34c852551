"""Bodies of all sizes each way: how fast, how dear, and how much memory they take on their way."""

from __future__ import annotations

import math
import socket
import threading
import time
from dataclasses import dataclass

from bench import contestants as who
from bench import cpu
from bench.chart import Chart, Lines
from bench.contestants import Contestant, running
from bench.processes import BenchError
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig, say
from bench.settings import Settings

FIELD = (who.NGINX_LARGE, who.HAPROXY, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL)
PIECE = bytes(range(256)) * 1024
SHORT = 32
"""Bytes that the answer to an upload has at most."""
PEER = who.NGINX_LARGE
SMALLER = (1_000, 64_000, 1_000_000, 10_000_000)
"""Bytes, beside the largest, which the settings say."""
TOTAL, MOST = 100_000_000, 500
"""Bytes that a size is measured with, and bodies."""
REST = 0.25
"""Seconds of rest between two readings."""
LOOKS = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Passage:
    """Bodies of one size through one contestant, one way."""

    way: str
    size: int
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
    """The body's beginning (all of a short one) and its bytes; it must have a Content-Length."""
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
        if got < SHORT:
            first += buffer[:count]
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


def sizes(settings: Settings) -> list[int]:
    """Bytes, the largest as asked."""
    return [*(size for size in SMALLER if size < settings.body), settings.body]


def _passage(port: int, pid: int, way: str, size: int) -> Passage:
    go, times = WAYS[way], max(2, min(MOST, TOTAL // size))
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        go(connection, size)
        used = cpu.settle(pid, still=REST)
        before = sum(cpu.pss(pid).values())
        watch = Watch(pid)
        watch.start()
        began = time.perf_counter()
        for _ in range(times):
            go(connection, size)
        took = time.perf_counter() - began
        most = watch.stop()
        used = cpu.settle(pid, still=REST) - used
    megabytes = size * times / 1e6
    return Passage(way, size, megabytes / took, used * 1e3 / megabytes, max(0.0, most - before))


def _pass(rig: Rig, contestant: Contestant) -> list[Passage]:
    with running(rig, contestant, rig.large) as one:
        pid, port = one.process.pid, one.launch.port
        for way in WAYS:
            _passage(port, pid, way, 1_000_000)
        cpu.settle(pid)  # the observer may still be loading
        return [_passage(port, pid, way, size) for way in WAYS for size in sizes(rig.settings)]


def _table(size: int, field: list[Contestant], results: dict[str, list[Passage]]) -> Table:
    rows = []
    for contestant in field:
        for way in WAYS:
            each = _of(results, contestant.name, way, size)
            speeds = [one.megabytes_a_second for one in each]
            peer = median([one.megabytes_a_second for one in _of(results, PEER.name, way, size)])
            row = [contestant.title, way, f"{median(speeds):.1f}", spread(speeds, 0)]
            row += [ratio(median(speeds), None if math.isnan(peer) else peer)]
            row += [f"{median([one.cpu_ms_a_megabyte for one in each]):.2f}"]
            rows.append([*row, f"{max(one.growth for one in each):.1f}"])
    columns = ["contestant", "way", "MB/s", "least–most", "/ nginx", "CPU ms/MB"]
    columns += ["most growth, MB of PSS"]
    note = "One connection, one body after the other. The fastest of these are "
    note += "bounded by client and model server, which share the other core."
    return Table(f"Bodies of {_named(size)}", columns, rows, [note])


def _of(results: dict[str, list[Passage]], name: str, way: str, size: int) -> list[Passage]:
    return [one for one in results.get(name, []) if (one.way, one.size) == (way, size)]


def _named(size: int) -> str:
    return f"{size / 1e6:g} MB" if size >= 1_000_000 else f"{size / 1e3:g} KB"


def bodies(rig: Rig) -> None:
    """Each contestant in turn, `settings.rounds` times."""
    field = who.chosen(rig, FIELD)
    results: dict[str, list[Passage]] = {one.name: [] for one in field}
    for turn in range(rig.settings.rounds):
        say(f"round {turn + 1} of {rig.settings.rounds}")
        for contestant in field:
            results[contestant.name] += _pass(rig, contestant)
    every = sizes(rig.settings)
    tables = [_table(size, field, results) for size in every]
    charts: list[Chart] = [
        Lines(
            f"Bodies {way}",
            "MB",
            "MB/s",
            {
                one.title: [
                    (
                        size / 1e6,
                        [each.megabytes_a_second for each in _of(results, one.name, way, size)],
                    )
                    for size in every
                ]
                for one in field
            },
        )
        for way in WAYS
    ]
    write(rig.settings, rig.envoy, "bodies", "Bodies from 1 KB on", tables, results, charts)
