"""The bar of long readings is for people only, and only ever grows."""

from __future__ import annotations

import io
import re

import pytest

from agent.drift.rows import progress
from agent.drift.rows.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_grows_over_all_passes_and_is_cleared(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    screen = Terminal()
    with Progress("reading", passes=2, stream=screen) as bar:
        for share in (0.5, 1.0, 0.5, 1.0):
            bar(share)
    shares = [int(text) for text in re.findall(r"(\d+)%", screen.getvalue())]
    assert shares == [25, 50, 75, 100]
    assert screen.getvalue().endswith("\r\x1b[K")


def test_nothing_is_written_where_nobody_looks():
    log = io.StringIO()
    with Progress("reading", stream=log) as bar:
        bar(0.5)
    assert log.getvalue() == ""
