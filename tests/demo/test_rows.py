"""The rows and their shift."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from agent.demo import rows


def test_the_shift_changes_its_columns_and_no_other() -> None:
    row = rows.load()[0]
    moved = rows.shifted(row)
    assert {name for name in row if row[name] != moved[name]} == set(rows.SHIFT)


def test_only_rows_of_the_data_set_are_sent() -> None:
    known = rows.load()
    assert all(row in known for row in islice(rows.draw(known, 7), 50))


def test_the_same_seed_sends_the_same_rows() -> None:
    known = rows.load()
    assert list(islice(rows.draw(known, 7), 50)) == list(islice(rows.draw(known, 7), 50))


def test_the_training_file_has_a_header_and_every_row(tmp_path: Path) -> None:
    known = rows.load()
    rows.write_csv(known, tmp_path / "training.csv")
    header, *lines = (tmp_path / "training.csv").read_text().splitlines()
    assert header.split(",") == list(known[0])
    assert len(lines) == len(known) == 178
