"""Ports and child processes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from agent.demo.processes import HOST, Child, ChildError, environment, pick_port


def test_a_busy_port_is_not_taken() -> None:
    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        number = busy.getsockname()[1]
        assert pick_port(number, ()) != number
    assert pick_port(number, ()) == number


def test_a_port_that_is_promised_is_not_taken_twice() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number = probe.getsockname()[1]
    assert pick_port(number, [number]) != number


async def _fails_to_start(log: Path) -> ChildError:
    child = await Child.start("helper", log, "json.tool", "/nowhere/at/all")
    try:
        async with aiohttp.ClientSession() as session:
            await child.ready(session, f"http://{HOST}:1/", 30)
    except ChildError as error:
        return error
    finally:
        await child.stop()
    raise AssertionError


def test_a_child_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    error = asyncio.run(_fails_to_start(tmp_path / "log"))
    assert "the helper ended with status" in str(error)
    assert any("/nowhere/at/all" in line for line in error.tail)


async def _serve_and_stop(log: Path, directory: Path) -> int | None:
    port = pick_port(0, ())
    child = await Child.start(
        "server", log, "http.server", str(port), "-b", HOST, "-d", str(directory)
    )
    try:
        async with aiohttp.ClientSession() as session:
            await child.ready(session, f"http://{HOST}:{port}/", 30)
    finally:
        await child.stop()
    return child.process.returncode


def test_a_child_is_waited_for_and_ended(tmp_path: Path) -> None:
    assert asyncio.run(_serve_and_stop(tmp_path / "log", tmp_path)) is not None


def test_the_users_own_settings_do_not_reach_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTRIDER_WORKERS", "7")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    result = environment({"X": "1"})
    assert "OUTRIDER_WORKERS" not in result
    assert (result["OTEL_SERVICE_NAME"], result["X"]) == ("mine", "1")
