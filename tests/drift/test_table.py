"""Files of rows that are none: what never ends is refused before it fills the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.drift.rows import table
from agent.drift.rows.table import TableError, batches


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_line_without_end_is_refused(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_LINE", 1000)
    file = tmp_path / "rows"
    rows = b'{"a": 1}\n' if form == "jsonl" else b"a\n"
    file.write_bytes(rows + b"1," * 1000)
    with pytest.raises(TableError, match="line 2 is longer than 1,000"):
        list(batches(file, form))


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(TableError, match="line 1"):
        list(batches(Path("/dev/zero"), "csv"))
