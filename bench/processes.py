"""Starting processes on a core, and ending them for certain.

Rule: whoever starts one leaves through `ended`, also on Ctrl-C. What is ended is named by its
process number and start time, so that no stranger who inherited the number is hit.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Something is missing or did not start; the message says what to do."""


@dataclass(frozen=True)
class Launch:
    """How a process is started, and where it can be reached."""

    argv: Sequence[str | Path]
    port: int
    ready: str
    """A URL that answers 200 once it serves."""
    env: Mapping[str, str] | None = None
    """Added to a small clean environment."""
    stdout: Path | None = None
    log: Path | None = None
    """Where it writes its log records."""
    metrics: str | None = None
    """URL of Outrider's Prometheus metrics."""
    rows: str | None = None
    """URL of another's count of rows: `{"rows": 12}`."""
    patience: float = 60.0
    """Seconds that it may take to be ready; then, to end after SIGTERM."""
    grace: float = 4.0


def pin(*cores: int) -> None:
    """Keep this process, and what it starts, on these cores."""
    os.sched_setaffinity(0, cores)


def start(launch: Launch, cores: Iterable[int], errors: Path) -> subprocess.Popen[bytes]:
    """Start it on `cores`, its stderr appended to the file `errors`. It dies with us.

    Its stdout goes to `launch.stdout`, or nowhere.
    """

    def prepare() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        pin(*cores)

    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with errors.open("ab") as stderr, (launch.stdout or Path(os.devnull)).open("ab") as stdout:
        return subprocess.Popen(
            [str(word) for word in launch.argv],
            env=env | dict(launch.env or {}),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
            preexec_fn=prepare,
        )


def end(process: subprocess.Popen[bytes], grace: float = 4.0) -> None:
    """SIGTERM; after `grace` seconds SIGKILL, for it and whatever it left behind."""
    members = cpu.family(process.pid)
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for member in members:
        if cpu.alive(member):
            os.kill(member.pid, signal.SIGKILL)


@contextmanager
def ended(
    process: subprocess.Popen[bytes], grace: float = 4.0
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, ended on the way out."""
    try:
        yield process
    finally:
        end(process, grace)


def free_ports(count: int) -> list[int]:
    """That many different TCP ports that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port() -> int:
    """A TCP port that nobody listens on."""
    return free_ports(1)[0]


def status(url: str, timeout: float = 1.0) -> int:
    """HTTP status of a GET over a plain socket, 0 if there is no answer."""
    address, _, path = url.removeprefix("http://").partition("/")
    host, port = address.rsplit(":", 1)
    request = f"GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, int(port)), timeout) as connection:
            connection.sendall(request.encode())
            head = connection.recv(64)
    except OSError:
        return 0
    return int(head[9:12]) if head.startswith(b"HTTP/1.") else 0


def wait_ready(process: subprocess.Popen[bytes], launch: Launch, errors: Path) -> float:
    """Seconds until `launch.ready` answers 200. Raises BenchError if it ends or never does."""
    began = time.perf_counter()
    while status(launch.ready) != 200:
        waited = time.perf_counter() - began
        if process.poll() is not None or waited > launch.patience:
            tail = errors.read_text(errors="replace")[-2000:] if errors.exists() else ""
            what = f"ended with {process.returncode}" if process.poll() is not None else "not ready"
            name = Path(launch.argv[0]).name
            raise BenchError(f"{name} {what} after {waited:.1f} s\n{tail}")
        time.sleep(0.005)
    return time.perf_counter() - began
