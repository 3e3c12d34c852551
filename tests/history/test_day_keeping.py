"""The last day on disk: whole or not at all, and what is wrong with it is said once."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.state.sealed import opened, sealed
from agent.history.recorder import LOOK
from agent.observer.day import Day
from agent.observer.keeping.day import EVERY, NAME, DayKeeping
from agent.observer.keeping.day_file import MAGIC, packed, unpacked
from tests.history.days import World

LOG = logging.getLogger("outrider.test")


def kept(world: World, folder: Path) -> DayKeeping:
    return DayKeeping(world.day, folder, LOG)


def write(world: World, folder: Path) -> None:
    asyncio.run(kept(world, folder).end())


def test_goes_on_from_the_file(tmp_path: Path) -> None:
    world = World()
    world.run(120, shift=2.0)
    write(world, tmp_path)
    before = world.day.history()
    world.restart()
    kept(world, tmp_path).begin()
    after = world.day.history()
    assert after["drift"] == before["drift"]
    assert after["traffic"] == before["traffic"]
    assert after["events"] == before["events"]


def test_is_written_at_once_and_then_each_minute(tmp_path: Path) -> None:
    world = World()
    began, written = world.now, []

    async def main() -> None:
        keeping = kept(world, tmp_path)
        for _ in range(20):
            keeping.look()
            if keeping._writing is not None:
                await keeping._writing
                keeping._writing = None
                written.append(world.now)
            world.now += LOOK

    asyncio.run(main())
    assert written == [began, began + EVERY, began + 2 * EVERY, began + 3 * EVERY]


def test_the_file_is_the_next_generations_once_it_has_taken_over(tmp_path: Path) -> None:
    world = World()

    async def main() -> None:
        keeping = kept(world, tmp_path)
        keeping.over = True
        world.now += LOOK
        keeping.look()
        await keeping.end()

    asyncio.run(main())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: raw.replace(b"history 1", b"history 2"),
        lambda raw: sealed(MAGIC, b"no zlib"),
        lambda raw: sealed(MAGIC, zlib.compress(b"\xc1")),
        lambda raw: sealed(MAGIC, zlib.compress(msgspec.msgpack.encode({"traffic": []}))),
        lambda raw: sealed(MAGIC, zlib.compress(bytes(30 << 20))),
    ],
    ids=["empty", "half", "bit", "version", "zlib", "msgpack", "fields", "bomb"],
)
def test_a_damaged_file_is_set_aside_and_said_once(
    damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.run(60, shift=0.0)
    write(world, tmp_path)
    path = tmp_path / NAME
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    world.restart()
    kept(world, tmp_path).begin()
    assert len(caplog.records) == 1
    assert "history.damaged" in caplog.text
    assert (tmp_path / "history.damaged").read_bytes() == damaged
    assert not path.exists()
    world.run(60, shift=0.0)
    write(world, tmp_path)
    assert unpacked(path.read_bytes()).events


def test_other_buckets_begin_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    write(world, tmp_path)
    raw = (tmp_path / NAME).read_bytes()
    day = unpacked(raw)
    day.traffic.sums = ("|u1", (2,), b"\0\0")
    day.traffic.rows = ("|u1", (1440, 2), bytes(2880))
    (tmp_path / NAME).write_bytes(packed(day))
    kept(world, tmp_path).begin()
    assert "buckets" in caplog.text
    assert world.day.history()["traffic"]["requests"][-1] is None


def test_a_folder_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    (tmp_path / "file").write_text("no folder")
    for _ in range(2):
        keeping = kept(world, tmp_path / "file")
        keeping.begin()
        asyncio.run(keeping.end())
        asyncio.run(keeping.end())
    assert ["memory only" in record.message for record in caplog.records] == [True, True]


def test_a_fault_of_ours_keeps_nobody_from_starting_or_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("made by a test")

    world = World()
    write(world, tmp_path)
    monkeypatch.setattr(Day, "resume", fails)
    monkeypatch.setattr(Day, "saved", fails)
    kept(world, tmp_path).begin()
    write(world, tmp_path)
    assert [r.message.count("made by a test") for r in caplog.records] == [1, 1]


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    for raw in (data, MAGIC + data, sealed(MAGIC, data), sealed(MAGIC, zlib.compress(data))):
        with pytest.raises(ValueError, match=r"\S"):
            unpacked(raw)


@given(st.data())
def test_what_was_changed_on_purpose_is_refused_or_harmless(data: st.DataObject) -> None:
    world = World()
    plain = bytearray(zlib.decompress(opened(MAGIC, packed(world.day.saved()), "")))
    place = data.draw(st.integers(0, min(len(plain) - 1, 400)))
    plain[place] = data.draw(st.integers(0, 255))
    try:
        world.day.resume(unpacked(sealed(MAGIC, zlib.compress(bytes(plain)))))
    except (ValueError, OverflowError):
        return
    world.run(20)
    world.day.history()


@pytest.mark.parametrize("head", [-1, 1 << 32, (1 << 64) - 1])
@pytest.mark.parametrize("of", ["traffic", "columns"])
def test_steps_of_no_time_are_a_reason(of: str, head: int) -> None:
    """Else each look would fail, as no array has such places."""
    saved = World().day.saved()
    getattr(saved, of).head = head
    with pytest.raises(ValueError, match="steps"):
        unpacked(packed(saved))


def test_what_is_no_file_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe that nobody writes to, where the file should be."""
    world = World()
    os.mkfifo(tmp_path / NAME)
    beginning = threading.Thread(target=kept(world, tmp_path).begin, daemon=True)
    beginning.start()
    beginning.join(10)
    assert not beginning.is_alive()
    write(world, tmp_path)
    assert (tmp_path / NAME).is_file()
