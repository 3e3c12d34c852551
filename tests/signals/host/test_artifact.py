"""Size and change time of the model's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agent.signals.host import artifact
from agent.signals.host.artifact import Artifact, Unreadable, look
from tests.signals.host.trees import write


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x" * 1000)
    os.utime(path, (5, 77.5))
    assert look(str(path)) == Artifact(1000, 77.5, 1)


def test_a_folder_is_as_du_has_it(tmp_path: Path) -> None:
    files = {"MLmodel": "a" * 10, "data/model.bin": "b" * 5000, "data/deep/x.json": "{}"}
    write(tmp_path, files)
    os.link(tmp_path / "MLmodel", tmp_path / "again")
    for name in files:
        os.utime(tmp_path / name, (1, 100))
    os.utime(tmp_path / "data/model.bin", (1, 200))
    found = look(str(tmp_path))
    assert found == Artifact(5012, 200, 3)
    du = subprocess.run(["du", "-ab", tmp_path], capture_output=True, text=True, check=True).stdout
    sizes = {path: int(size) for size, path in (line.split("\t") for line in du.splitlines())}
    assert found.size == sum(size for path, size in sizes.items() if Path(path).is_file())


def test_links_are_followed_and_each_file_counts_once(tmp_path: Path) -> None:
    """As a cache of models from a hub is laid out, or a version that "current" names."""
    write(tmp_path, {"blobs/1": "x" * 100, "v1/model": "y" * 10})
    model = tmp_path / "snapshots"
    model.mkdir()
    (model / "a").symlink_to(tmp_path / "blobs/1")
    (model / "b").symlink_to(tmp_path / "blobs/1")
    (model / "current").symlink_to(tmp_path / "v1")
    (model / "gone").symlink_to(tmp_path / "nowhere")
    found = look(str(model))
    assert (found.size, found.files) == (110, 2)


def test_a_folder_linked_into_itself_ends(tmp_path: Path) -> None:
    write(tmp_path, {"model": "xyz"})
    (tmp_path / "self").symlink_to(tmp_path)
    assert look(str(tmp_path)).size == 3


def test_too_many_files_have_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MOST_FILES", 3)
    write(tmp_path, {str(n): "x" for n in range(4)})
    with pytest.raises(Unreadable, match="more than 3 files"):
        look(str(tmp_path))


def test_a_missing_path_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"nowhere: No such file"):
        look(str(tmp_path / "nowhere"))
    with pytest.raises(Unreadable, match="no file in it"):
        look(str(tmp_path))


def test_pipes_and_sockets_are_no_model(tmp_path: Path) -> None:
    write(tmp_path, {"model": "xyz"})
    os.mkfifo(tmp_path / "pipe")
    assert look(str(tmp_path)) == look(str(tmp_path))
    assert look(str(tmp_path)).files == 1
