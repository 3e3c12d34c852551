"""Server-sent events: how much later the first one comes, and what tokens and open streams cost.

The first event is timed on one kept connection, stream after stream, each of two events that are
10 ms apart: who holds the first back until the second has come shows it. Tokens are counted over
all streams open at once, `EVERY` seconds apart in each, over a while in which none opens or ends.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench import contestants as who
from bench import cpu
from bench.chart import Bars
from bench.contestants import Contestant, running
from bench.openloop import quantile
from bench.processes import BenchError
from bench.report import Table, median, spread, write
from bench.rig import Rig, say

FIELD = (who.NONE, who.NGINX_STREAMING, who.HAPROXY, who.ENVOY, who.OFF, who.ALL)
FIRSTS = 200
"""Streams that are timed, one after the other; some more go before."""
WARM = 30
EVERY = 0.2
"""Seconds between the tokens of a stream."""
PATIENCE = 30.0
GET = b"GET %s HTTP/1.1\r\nHost: model\r\nAccept: text/event-stream\r\n\r\n"
MARK = b"data:"
END = b"0\r\n\r\n"


@dataclass(frozen=True)
class Streamed:
    """One contestant in one round; times in ms."""

    first_p50: float
    first_p99: float
    us_a_token: float
    """CPU of all processes; so is the next."""
    kilobytes_a_stream: float
    tokens: int


def _until(connection: socket.socket, text: bytes, got: bytes = b"") -> bytes:
    while text not in got:
        piece = connection.recv(1 << 16)
        if not piece:
            raise BenchError("an event stream was cut off")
        got += piece
    return got


def first_events(port: int, count: int) -> list[float]:
    """Milliseconds from each request to its first event."""
    request = GET % b"/events/0.01/2"
    times = []
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            sent = time.perf_counter()
            connection.sendall(request)
            got = _until(connection, MARK)
            times.append((time.perf_counter() - sent) * 1e3)
            _until(connection, END, got)
    return times


class Streams:
    """Many event streams at once, all of them read."""

    def __init__(self, port: int, count: int) -> None:
        self._stack = ExitStack()
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self.tokens = 0
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            self._stack.enter_context(connection)
            connection.sendall(GET % b"/events/%g" % EVERY)
            self._open[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)

    def read(self, seconds: float) -> set[int]:
        """Read for so long, counting tokens; gives the descriptors that got any."""
        until = time.perf_counter() + seconds
        told: set[int] = set()
        while (left := until - time.perf_counter()) > 0:
            for descriptor, _ in self._poll.poll(left):
                data = self._open[descriptor].recv(1 << 16)
                if not data:
                    raise BenchError("an event stream ended")
                self.tokens += data.count(MARK)
                told.add(descriptor)
        return told

    def read_all(self) -> None:
        """Until each has had something."""
        silent, until = set(self._open), time.perf_counter() + PATIENCE
        while silent:
            silent -= self.read(EVERY)
            if time.perf_counter() > until:
                raise BenchError(f"{len(silent)} event streams have no event")

    def close(self) -> None:
        """Ends them all."""
        self._stack.close()
        self._poll.close()


def _few(port: int) -> None:
    """A first handful loads what is loaded once."""
    streams = Streams(port, 8)
    streams.read_all()
    streams.close()


def _once(rig: Rig, contestant: Contestant) -> Streamed:
    with running(rig, contestant, rig.large) as one:
        pid, port = one.process.pid, one.launch.port
        _few(port)
        first_events(port, WARM)
        firsts = first_events(port, FIRSTS)
        cpu.settle(pid)
        memory = sum(cpu.pss(pid).values())
        streams = Streams(port, rig.settings.streams)
        try:
            streams.read_all()
            streams.read(1.0)
            grown = sum(cpu.pss(pid).values()) - memory
            used, streams.tokens = cpu.seconds(pid), 0
            streams.read(rig.settings.seconds)
            used, tokens = cpu.seconds(pid) - used, streams.tokens
        finally:
            streams.close()
    result = Streamed(
        quantile(firsts, 0.5),
        quantile(firsts, 0.99),
        used * 1e6 / max(1, tokens),
        grown * 1e3 / rig.settings.streams,
        tokens,
    )
    say(f"{contestant.name:18} first {result.first_p50:.3f} ms  {result.us_a_token:.1f} µs/token")
    return result


def sse(rig: Rig) -> None:
    """Each contestant in turn, `settings.rounds` times."""
    settings = rig.settings
    chosen = who.chosen(rig, FIELD)
    everybody = chosen if who.NONE in chosen else [who.NONE, *chosen]
    data: dict[str, list[Streamed]] = {one.name: [] for one in everybody}
    for turn in range(settings.rounds):
        say(f"round {turn + 1} of {settings.rounds}")
        for contestant in everybody:
            data[contestant.name].append(_once(rig, contestant))
    straight = data[who.NONE.name]
    rows, added, dear = [], {}, {}
    for one in (each for each in chosen if each is not who.NONE):
        mine = data[one.name]
        pairs = list(zip(mine, straight, strict=True))
        middle = [through.first_p50 - direct.first_p50 for through, direct in pairs]
        late = [through.first_p99 - direct.first_p99 for through, direct in pairs]
        added[one.title], dear[one.title] = middle, [each.us_a_token for each in mine]
        row = [one.title, f"{median(middle):.3f}", spread(middle, 3), f"{median(late):.3f}"]
        row += [f"{median(dear[one.title]):.1f}", spread(dear[one.title])]
        row += [f"{median([each.kilobytes_a_stream for each in mine]):.1f}"]
        rows.append([*row, f"{median([each.tokens for each in mine]) / settings.seconds:.0f}"])
    columns = ["contestant", "first event +p50 ms", "least–most", "+p99 ms"]
    columns += ["CPU µs/token", "least–most", "kB of PSS a stream", "tokens/s"]
    floor = median([each.first_p50 for each in straight])
    floor99 = median([each.first_p99 for each in straight])
    notes = [
        f"Straight to the model the first event comes after {floor:.3f} ms (p99 {floor99:.3f})."
    ]
    heading = (
        f"{FIRSTS} first events; {settings.streams} streams at once, {1 / EVERY:g} tokens/s each"
    )
    charts = [
        Bars("Added time to the first event, p50", "ms", added, who.ENVOY.title),
        Bars(f"CPU a token, {settings.streams} streams", "µs", dear, who.ENVOY.title),
    ]
    table = Table(heading, columns, rows, notes)
    write(settings, rig.envoy, "sse", "Server-sent events", [table], data, charts)
