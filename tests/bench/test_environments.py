"""Environments of their own: every package pinned, what is compared named first."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench import environments
from bench.processes import BenchError

FILES = sorted(environments.CONSTRAINTS.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_every_line_pins_one_version_and_the_first_block_says_what_is_compared(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    first = environments.versions(file.stem)
    assert 0 < len(first) < len(lines)
    assert [f"{name}=={version}" for name, version in first.items()] == lines[: len(first)]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders in which an environment was made, by stand-ins that install nothing."""
    (tmp_path / "peer.txt").write_text("# compared\npeer==1\n\n# needs\nother==2\n")
    monkeypatch.setattr(environments, "CONSTRAINTS", tmp_path)
    monkeypatch.setattr(environments, "MADE", tmp_path / "made")
    folders: list[Path] = []

    def create(folder: Path, **_: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folders.append(folder)

    def run(argv: list[object], **_: Any) -> subprocess.CompletedProcess[bytes]:
        broken = "broken" in Path(str(argv[-1])).read_text()
        return subprocess.CompletedProcess([], int(broken))

    monkeypatch.setattr(environments.venv, "create", create)
    monkeypatch.setattr(environments.subprocess, "run", run)
    return folders


def test_an_environment_is_made_once_and_anew_when_its_file_changes(
    made: list[Path], tmp_path: Path
) -> None:
    assert environments.python("peer") == environments.python("peer")
    assert len(made) == 1
    (tmp_path / "peer.txt").write_text("peer==2\n")
    environments.python("peer")
    assert len(made) == 2


def test_one_that_could_not_be_made_is_tried_again(made: list[Path], tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("broken==1\n")
    for _ in range(2):
        with pytest.raises(BenchError, match=r"peer\.txt"):
            environments.python("peer")
    assert len(made) == 2
