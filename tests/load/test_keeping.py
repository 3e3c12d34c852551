"""What was seen of the limit outlives the observer, or is found anew."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.load.limit import HALF_LIFE, NO_TRAFFIC, LimitTable
from agent.load.little import Span
from agent.load.monitor import Load
from agent.load.readings import Reading
from agent.observer.keeping.load import EVERY, NAME, LoadKeeping

LOG = logging.getLogger("outrider-test-load")


def seen() -> Load:
    """Of a server of four slots."""
    load = Load(lambda now: Reading(now, {}, 0, 0, 0))
    for clients in (1, 4, 16):
        for _ in range(5):
            rate = min(clients, 4) / 0.02
            load.table.add(Span(2.0, round(2 * rate), 2.0 * clients, clients))
    return load


def kept(load: Load, folder: Path | None, now: float = 1000.0) -> LoadKeeping:
    keeping = LoadKeeping(load, folder, LOG, lambda: now)
    keeping.begin()
    return keeping


def test_the_next_one_goes_on_from_what_was_seen(tmp_path: Path) -> None:
    load = seen()
    asyncio.run(kept(load, tmp_path).end())
    after = Load(lambda now: Reading(now, {}, 0, 0, 0))
    kept(after, tmp_path)
    assert after.table.limit() == load.table.limit()
    assert after.table.limit()[0] == pytest.approx(4, rel=0.1)


def test_what_is_old_by_then_is_forgotten(tmp_path: Path) -> None:
    asyncio.run(kept(seen(), tmp_path).end())
    after = Load(lambda now: Reading(now, {}, 0, 0, 0))
    kept(after, tmp_path, 1000.0 + 20 * HALF_LIFE)
    assert after.table.limit() == (None, NO_TRAFFIC)


def test_it_is_written_each_minute_and_not_once_it_is_anothers(tmp_path: Path) -> None:
    async def run() -> None:
        now = 1000.0
        keeping = LoadKeeping(seen(), tmp_path, LOG, lambda: now)
        keeping.look()
        assert not (tmp_path / NAME).exists()
        now += EVERY
        keeping.look()
        await keeping.end()
        assert (tmp_path / NAME).exists()
        (tmp_path / NAME).unlink()
        keeping.over = True
        now += EVERY
        keeping.look()
        await keeping.end()
        assert not (tmp_path / NAME).exists()

    asyncio.run(run())


def test_without_a_folder_it_is_in_memory() -> None:
    keeping = kept(seen(), None)
    keeping.look()
    asyncio.run(keeping.end())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"at": 1, "levels": [[1, 2]]}',
        '{"at": 1, "levels": [[9999, 1.0, 1.0, 1.0, 1.0]]}',
        '{"at": 1, "levels": [[1, -1.0, 1.0, 1.0, 1.0]]}',
        '{"at": 1, "levels": [[1, 1e9, 1.0, 1.0, 1.0]]}',
        '{"at": 1, "levels": [[1, 1.0, 0.0, 1.0, 1.0]]}',
        '{"at": 1, "levels": [' + ",".join(["[1, 1.0, 1.0, 1.0, 1.0]"] * 10_000) + "]}",
    ],
)
def test_a_damaged_file_is_set_aside_and_said(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_text(text)
    load = seen()
    kept(load, tmp_path)
    assert "the load begins anew" in caplog.text
    assert (tmp_path / "load.damaged").exists()
    assert load.table.limit()[0] is not None


def test_a_folder_that_cannot_be_written_to_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    keeping = kept(seen(), tmp_path / "file")
    asyncio.run(keeping.end())
    asyncio.run(keeping.end())
    assert len(caplog.records) == 1
    assert "kept in memory only" in caplog.text


def test_levels_that_are_long_gone_are_not_kept() -> None:
    table = seen().table
    assert len(table.saved()) == 3
    table.add(Span(100 * HALF_LIFE, 1000, 1.0, 64.0))
    assert len(table.saved()) == 1


@given(st.lists(st.tuples(st.floats(1e-3, 1e3), st.integers(1, 10**6), st.floats(1e-3, 1e6))))
def test_what_is_saved_is_what_was_there(spans: list[tuple[float, int, float]]) -> None:
    table, after = LimitTable(), LimitTable()
    for seconds, requests, concurrency in spans:
        table.add(Span(seconds, requests, concurrency * seconds, concurrency))
    after.resume(table.saved(), 0.0)
    assert after.levels() == table.levels()
