"""Lines reach a descriptor whole and in order, and a reader that does not read holds up nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.ship import stdout
from agent.ship.outcome import Verdict
from agent.ship.queue import MemoryQueue, Record
from agent.ship.sender import Policy, Sender
from agent.ship.stdout import Stdout
from tests.ship.sinks import run


def lines(n: int, size: int = 100) -> list[Record]:
    return [Record(i, f"{i} ".encode().ljust(size, b".")) for i in range(n)]


def text(records: list[Record]) -> bytes:
    return b"".join(r.data + b"\n" for r in records)


def pipe() -> tuple[int, int]:
    return os.pipe()


def sockets() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return theirs.detach(), ours.detach()


def own_pipe_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, where standard output is another user's and cannot be opened anew."""

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(stdout.os, "open", refuse)


@pytest.mark.parametrize("anew", [True, False])
@pytest.mark.parametrize("make", [pipe, sockets])
def test_more_than_a_pipe_holds_arrives_whole(
    make: Callable[[], tuple[int, int]], anew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = make()
    if not anew:
        own_pipe_in_pieces(monkeypatch)
    batch = lines(20_000)

    async def main() -> bytes:
        sink = Stdout(writing)
        pushing = asyncio.create_task(sink.push(batch))
        got = bytearray()
        while len(got) < len(text(batch)):
            got += await asyncio.to_thread(os.read, reading, 1 << 16)
        assert (await pushing).verdict is Verdict.OK
        await sink.close()
        return bytes(got)

    try:
        assert run(main()) == text(batch)
        assert os.get_blocking(writing)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("anew", [True, False])
def test_a_reader_that_does_not_read_costs_lines_and_nothing_else(
    anew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    if not anew:
        own_pipe_in_pieces(monkeypatch)

    async def main() -> dict[str, int]:
        queue = MemoryQueue(1 << 20)
        sender = Sender("stdout", "stdout", Stdout(writing), queue, Policy(0, timeout=None))
        sender.start()
        sender.put(lines(50_000))
        await sender.stop(0.05)
        return sender.status().outcomes

    try:
        outcomes = run(main())
    finally:
        os.close(reading)
        os.close(writing)
    assert outcomes["dropped_full"] > 0
    assert sum(outcomes.values()) == 50_000


def test_a_file(tmp_path: Path) -> None:
    batch = lines(10)

    async def main() -> None:
        with (tmp_path / "log").open("ab") as file:
            file.write(b"before\n")
            file.flush()
            sink = Stdout(file.fileno())
            await sink.push(batch)
            await sink.push(batch)
            await sink.close()

    run(main())
    assert (tmp_path / "log").read_bytes() == b"before\n" + text(batch) * 2


def test_a_reader_that_is_gone_is_a_refusal() -> None:
    reading, writing = os.pipe()

    async def main() -> Verdict:
        sink = Stdout(writing)
        os.close(reading)
        outcome = await sink.push(lines(1))
        await sink.close()
        return outcome.verdict

    try:
        assert run(main()) is Verdict.REJECT
    finally:
        os.close(writing)
