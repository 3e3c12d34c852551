"""The real Outrider, run as its users run it, and what tests need to know of it.

Rule: only what a stranger could see. Tests look at it through its ports, its output, its exit
code and /proc; they wait for conditions, never for time.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.wire import DEADLINE, Stream

ROOT = Path(__file__).resolve().parent.parent
ROLES = ("supervisor", "worker", "observer")
QUICK = {
    "drain": {"delay": "0s", "grace": "5s", "flush": "1s"},
    "metadata": {"ask": False},
}
"""So that a stop in a test does not wait for a load balancer that is not there, and an origin gets
the test's requests alone."""

T = TypeVar("T")


def eventually(check: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """The first true result of `check`, tried until the deadline."""
    limit = time.monotonic() + deadline
    while not (result := check()):
        assert time.monotonic() < limit, f"waited {deadline} s in vain for: {what}"
        time.sleep(0.01)
    return result


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that nothing listens on, below those that the kernel gives to clients."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Answer(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def get(address: tuple[str, int], path: str, **headers: str) -> Answer:
    """One GET on a connection of its own; raises OSError where nobody listens."""
    connection = http.client.HTTPConnection(*address, timeout=DEADLINE)
    try:
        connection.request("GET", path, headers=headers)
        got = connection.getresponse()
        return Answer(got.status, got.read())
    finally:
        connection.close()


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families: dict[str, Metric] = {
            family.name: family for family in text_string_to_metric_families(text)
        }

    def value(self, name: str, **labels: str) -> float:
        """Sum over the samples of this name that carry these labels; 0 if there is none."""
        return sum(
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def accounted(self) -> float:
        """Records that were finished, or dropped whole and counted by whoever dropped them."""
        dropped = [
            self.value("outrider_records_dropped_total", stage=stage)
            for stage in ("worker", "observer")
        ]
        return self.value("outrider_records_total", stage="finished") + sum(dropped)


class Process(NamedTuple):
    pid: int
    parent: int
    title: str


def processes() -> Iterable[Process]:
    """All processes that can be seen, with command line and name as one text."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if state != "Z":
            yield Process(int(entry.name), int(parent), f"{line} {name}")


class Outrider:
    """`python -m agent run` from ready to gone.

    `settings` is the configuration file's tree over what is quick in tests. `ready` is the path
    on the health port that must answer 200 first (None: do not wait). `ports` are those of the
    data, admin and health port, by default free ones. On leaving, SIGTERM must end it with
    `exit_code`, with no traceback in its output and no process left.
    `program` runs it in another way; `stdout` and `stderr` are files that take its output;
    `tracebacks` are expected where a test makes faults of ours.
    """

    def __init__(
        self,
        upstream: str,
        settings: Mapping[str, Any] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        args: Iterable[str] = (),
        host: str = "127.0.0.1",
        ready: str | None = "/readyz",
        exit_code: int = 0,
        program: Iterable[str] = (sys.executable, "-m", "agent"),
        stdout: Path | None = None,
        stderr: Path | None = None,
        tracebacks: bool = False,
        ports: Sequence[int] | None = None,
    ) -> None:
        self.upstream, self.settings, self.args = upstream, {**QUICK, **(settings or {})}, [*args]
        self.env, self.host, self.exit_code = dict(env or {}), host, exit_code
        self._program, self._given = [*program], (stdout, stderr)
        self._ready, self._told, self._tracebacks = ready, False, tracebacks
        self._ports = ports
        self.folder = tempfile.TemporaryDirectory(prefix="outrider-test-")
        self._start()

    def _start(self) -> None:
        for attempt in range(3):
            self._spawn()
            if self._ready is None or self._wait(self._ready):
                return
            code = self.process.wait()
            if attempt == 2 or "in use" not in self.stderr() + self.stdout():
                raise AssertionError(f"exit code {code} before it was ready\n{self.report()}")

    def _spawn(self) -> None:
        ports = self._ports or free_ports(3, self.host)
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.address = (self.host, ports[0])
        self.admin, self.health = ("127.0.0.1", ports[1]), ("127.0.0.1", ports[2])
        folder = Path(self.folder.name)
        config = folder / "outrider.yaml"
        config.write_text(yaml.safe_dump(self.settings))
        self._files = self._given[0] or folder / "stdout", self._given[1] or folder / "stderr"
        flags = {
            "upstream": self.upstream,
            "listen": f"{shown}:{ports[0]}",
            "admin": f"127.0.0.1:{ports[1]}",
            "health": f"127.0.0.1:{ports[2]}",
            "config": str(config),
        }
        command = [*self._program, "run"]
        for name, value in flags.items():
            command += [f"--{name}", value]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "OUTRIDER_"))}
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *self.args],
                cwd=ROOT,
                env={**kept, "PYTHONUNBUFFERED": "1", **self.env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def _wait(self, path: str, deadline: float = 20.0) -> bool:
        """True once `path` on the health port answers 200, False if the process ended."""
        limit = time.monotonic() + deadline
        while self.process.poll() is None:
            if self.probe(path) == 200:
                return True
            if time.monotonic() > limit:
                self._kill_all()
                raise AssertionError(f"{path} not 200 in {deadline} s\n{self.report()}")
            time.sleep(0.01)
        return False

    # -- what it shows

    def connect(self, tls: ssl.SSLContext | None = None, name: str = "localhost") -> Stream:
        """A client's connection to the proxied port."""
        sock: socket.socket = socket.create_connection(self.address, timeout=DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=name)
        return Stream(sock)

    @property
    def ports(self) -> tuple[int, int, int]:
        """Of the data, the admin and the health port."""
        return self.address[1], self.admin[1], self.health[1]

    def said(self, words: str) -> bool:
        """Whether its output has these words."""
        return words in self.stderr() + self.stdout()

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def probe(self, path: str) -> int:
        """Status of a path on the health port; 0 if it cannot be reached."""
        try:
            return get(self.health, path).status
        except (OSError, http.client.HTTPException):
            return 0

    def metrics(self) -> Metrics:
        return Metrics(get(self.admin, "/metrics").body.decode())

    def metric(self, name: str, **labels: str) -> float:
        """`Metrics.value` of a fresh scrape; -1 while the observer does not answer."""
        try:
            return self.metrics().value(name, **labels)
        except (OSError, http.client.HTTPException):
            return -1

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role, of the started process and all its descendants."""
        family = {self.process.pid}
        seen = list(processes())
        while more := {p.pid for p in seen if p.parent in family} - family:
            family |= more
        found: dict[str, list[int]] = {role: [] for role in ROLES}
        for process in seen:
            if process.pid in family:
                for role in ROLES:
                    if role in process.title:
                        found[role].append(process.pid)
        return found

    def pid(self, role: str) -> int:
        """A process of this role; waits until there is one (a restarted one needs a moment)."""
        return eventually(lambda: self.pids()[role], f"a process called {role}")[0]

    def rss(self, role: str = "worker") -> int:
        """Resident memory of the processes of a role, in bytes."""
        total = 0
        for pid in self.pids()[role]:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return total * os.sysconf("SC_PAGE_SIZE")

    def stdout(self) -> str:
        return _text(self._files[0])

    def stderr(self) -> str:
        return _text(self._files[1])

    def report(self) -> str:
        return f"--- stdout\n{self.stdout()[-4000:]}\n--- stderr\n{self.stderr()[-8000:]}"

    # -- its end

    def signal(self, number: int) -> None:
        self._told = True
        self.process.send_signal(number)

    def stop(self, deadline: float = 20.0) -> int:
        """SIGTERM, if it was not told yet; the exit code, once every process is gone."""
        known = [pid for pids in self.pids().values() for pid in pids]
        if not self._told:
            self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(deadline)
            eventually(lambda: not alive(known), "its processes to be gone")
        except (subprocess.TimeoutExpired, AssertionError) as error:
            self._kill_all(known)
            raise AssertionError(f"did not end: {error}\n{self.report()}") from None
        return code

    def _kill_all(self, known: Iterable[int] = ()) -> None:
        for pid in {*known, *(pid for pids in self.pids().values() for pid in pids)}:
            if alive([pid]):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Outrider:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            code = self.stop()
            if kind is not None:
                print(self.report())
                return
            assert code == self.exit_code, f"exit code {code}\n{self.report()}"
            text = self.stderr() + self.stdout()
            assert self._tracebacks or "Traceback" not in text, self.report()
        finally:
            self.folder.cleanup()


def _text(file: Path) -> str:
    """What a file holds; nothing if it is a device, which may have no end."""
    return file.read_text(errors="replace") if file.is_file() else ""


def alive(pids: Iterable[int]) -> list[int]:
    """Those of the processes that have not ended (a zombie has)."""
    wanted = set(pids)
    return [process.pid for process in processes() if process.pid in wanted]
