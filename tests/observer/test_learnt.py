"""That a reference was learned is said once, when it was."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from agent.decode.payload import Payload
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.observer.telling.learnt import Learnt

ROWS = 200
LOG = logging.getLogger("test")


def send(monitor: Monitor, rows: int, version: str = "") -> None:
    column = [float(n % 17) for n in range(rows)]
    monitor.add(Payload("m", version, "", {"a": column}, {"y": column}, rows, rows, 0))
    monitor.tick()


def test_it_is_said_once_for_each_version(caplog: Any) -> None:
    caplog.set_level("INFO")
    monitor = Monitor(Settings(learn_rows=ROWS))
    learnt = Learnt(monitor, str, LOG)
    send(monitor, ROWS // 2)
    learnt.look()
    assert caplog.messages == []
    for _ in range(3):
        send(monitor, ROWS)
        learnt.look()
    [text] = caplog.messages
    reference = monitor.models["m", ""].reference
    assert reference is not None
    assert text == (
        f"drift of m is judged from now on, by a reference learned from {reference.rows} rows of "
        f"its traffic ({reference.short_hash})"
    )
    send(monitor, 2 * ROWS, "2")
    learnt.look()
    assert len(caplog.messages) == 2
    assert "m version 2" in caplog.messages[1]


def test_the_next_process_says_it_again(caplog: Any, tmp_path: Path) -> None:
    caplog.set_level("INFO")
    first = Monitor(Settings(learn_rows=ROWS), state_dir=tmp_path)
    send(first, 2 * ROWS)
    again = Monitor(Settings(learn_rows=ROWS), state_dir=tmp_path)
    send(again, 1)
    Learnt(again, str, LOG).look()
    [text] = caplog.messages
    assert "learned from" in text


def test_a_reference_that_was_given_is_none(caplog: Any) -> None:
    caplog.set_level("INFO")
    monitor = Monitor(Settings(learn_rows=ROWS))
    send(monitor, 2 * ROWS)
    model = monitor.models["m", ""]
    assert model.reference is not None
    model.watch(model.reference, 0.0, "given")
    Learnt(monitor, str, LOG).look()
    assert caplog.messages == []
