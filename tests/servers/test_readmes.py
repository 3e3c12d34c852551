"""Examples say the same three steps, pin what they install, and each has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.servers.cases import CASES
from tests.servers.readme import EXAMPLES, FOLDERS, steps


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_an_example_is_three_steps_and_every_package_is_pinned(folder: Path) -> None:
    assert steps(folder).ask
    lines = (folder / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line) for line in packages)


def test_each_example_is_tested_and_in_the_table() -> None:
    assert {case.name for case in CASES} == {folder.name for folder in FOLDERS}
    table = (EXAMPLES / "README.md").read_text()
    assert [f.name for f in FOLDERS if f"[{f.name}]({f.name}/README.md)" not in table] == []
