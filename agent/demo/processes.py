"""Ports, child processes and their logs.

Rule: whoever starts a child here ends it here, however the demo ends. Each child leads a session
of its own, so that Ctrl-C reaches the demo alone and the demo ends them in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import aiohttp

HOST = "127.0.0.1"
TAIL = 20
"""Lines of a child's log that are shown when it fails."""


class ChildError(Exception):
    """A child ended, or never became ready; `tail` is the end of its log."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"the {name} {why}")
        self.log = log
        self.tail = tail(log, TAIL)


def is_free(port: int) -> bool:
    """Whether the loopback port can be bound; connections of an earlier demo do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick_port(preferred: int, taken: Iterable[int]) -> int:
    """`preferred` if it is free, else (or for 0) any free one; never one of `taken`."""
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def environment(extra: dict[str, str]) -> dict[str, str]:
    """Ours less `OUTRIDER_…`, which would overrule the demo's own settings, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OUTRIDER_")}
    return {"PYTHONUNBUFFERED": "1", **kept, **extra}


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a file, or none if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 400 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


class Child:
    """A Python module run as a process, with its output in a log file."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self.process = process

    @classmethod
    async def start(
        cls, name: str, log: Path, *arguments: str, extra: dict[str, str] | None = None
    ) -> Child:
        """Start `python -m ARGUMENTS…`; `extra` is added to its environment."""
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=environment(extra or {}),
                start_new_session=True,
            )
        return cls(name, log, process)

    def check(self) -> None:
        """Raises ChildError if the process has ended."""
        if self.process.returncode is not None:
            raise ChildError(self.name, f"ended with status {self.process.returncode}", self.log)

    async def finished(self) -> None:
        """Wait for an end that is expected. Raises ChildError if it is not a clean one."""
        if await self.process.wait() != 0:
            self.check()

    async def ready(self, session: aiohttp.ClientSession, url: str, seconds: float) -> None:
        """Wait until `url` answers 200. Raises ChildError if it ends or `seconds` pass first."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            self.check()
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        raise ChildError(self.name, f"was not ready after {seconds:.0f} s ({url})", self.log)

    async def stop(self, grace: float = 5.0) -> None:
        """SIGTERM, and after `grace` seconds (or a second Ctrl-C) SIGKILL to all of its group."""
        try:
            if self.process.returncode is None:
                self.process.terminate()
                async with asyncio.timeout(grace):
                    await self.process.wait()
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
