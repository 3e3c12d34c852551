"""A `state_dir` that cannot be written to is told when Outrider starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.observer.keeping.state_folder import trouble
from tests.harness import Outrider, eventually, get
from tests.origin import RawOrigin


def test_a_folder_that_is_there_or_can_be_made_is_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "a" / "b"):
        assert trouble(folder) == ""
        assert [*folder.iterdir()] == [] or folder == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    for folder in (tmp_path / "state", tmp_path / "state" / "below"):
        text = trouble(folder)
        assert text.startswith(f"state_dir = {folder}: cannot be written to (")
        assert "make it a folder" in text


def test_a_file_system_that_takes_no_files_is_told() -> None:
    assert "cannot be written to" in trouble(Path("/proc/outrider"))


def test_it_is_told_before_any_traffic(
    start: Callable[..., Outrider], own_origin: RawOrigin, tmp_path: Path
) -> None:
    (tmp_path / "state").touch()
    proxy = start(own_origin.url, {"state_dir": str(tmp_path / "state")})
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer")
    told = trouble(tmp_path / "state")
    assert proxy.said(told)
    assert told in get(proxy.admin, "/api/v1/status").json()["caveats"]
