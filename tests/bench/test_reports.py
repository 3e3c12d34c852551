"""Each question of load writes its table, its picture and every round's figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import contestants as who
from bench import hop, report, server, workers
from bench.contestants import Contestant
from bench.evidence import Evidence
from bench.load import Load
from bench.measure import Measurement
from bench.rig import Rig
from bench.settings import Settings

SETTINGS = Settings(rounds=2)
GROWN = sum(len(workers.CONNECTIONS[one.workers]) for one in workers.FIELD)


def _measured(contestant: Contestant, us: float = 30.0) -> Measurement:
    load = Load(requests=1000, seconds=1.0, failed=0, p50=1.0, p99=1.0)
    parts = {"1 worker": us / 1e3}
    return Measurement(contestant.name, load, parts, Evidence(), {}, 0.02, busy=0.97)


def _rounds(rig: Rig, field: list[Contestant]) -> dict[str, list[Measurement]]:
    instrumented = {one.name for one in server.INSTRUMENTED}
    return {
        one.name: [_measured(one, 300.0 if one.name in instrumented else 30.0)]
        * rig.settings.rounds
        for one in field
    }


@contextmanager
def _running(rig: Rig, contestant: Contestant) -> Iterator[Contestant]:
    yield contestant


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where reports are written; nothing is started or installed, all cost the same."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(who, "_installed", lambda contestant: True)
    monkeypatch.setattr(hop, "rounds", _rounds)
    monkeypatch.setattr(server, "rounds", _rounds)
    monkeypatch.setattr(workers, "running", _running)
    monkeypatch.setattr(workers, "warm", lambda rig, one: None)
    monkeypatch.setattr(workers, "loaded", lambda rig, one, connections: _measured(one))
    return tmp_path


@pytest.mark.parametrize(
    ("question", "name", "lines", "panels"),
    [
        (hop.hop, "hop", len(hop.HOP) + 2 * len(hop.FEW), 6),
        (hop.observed, "observed", len(hop.OBSERVED), 2),
        (hop.ids, "ids", len(hop.IDS), 2),
        (server.server, "server", len(server.FIELD), 1),
        (workers.workers, "workers", GROWN, 2),
    ],
)
def test_every_contestant_is_in_the_table_and_every_round_in_the_json(
    question: Callable[[Rig], None], name: str, lines: int, panels: int, results: Path
) -> None:
    question(Rig(SETTINGS, results, 0, 0, 0, 0, Path("envoy")))
    text = (results / f"{name}.md").read_text()
    rows = [line for line in text.splitlines() if line.endswith("| yes |")]
    assert len(rows) == lines
    kept = json.loads((results / f"{name}.json").read_text())
    assert len(kept["charts"]) == panels
    assert f"![{text.splitlines()[0][2:]}]({name}.svg)" in text
    assert _count(kept["results"], "asked_rate") == lines * SETTINGS.rounds


def _count(tree: Any, key: str) -> int:
    """How often a key stands in a JSON tree."""
    if isinstance(tree, dict):
        return (key in tree) + sum(_count(each, key) for each in tree.values())
    return sum(_count(each, key) for each in tree) if isinstance(tree, list) else 0


def test_a_part_of_the_field_is_shown_but_not_kept(results: Path) -> None:
    part = Settings(rounds=1, only=("nginx", "outrider-off"))
    hop.hop(Rig(part, results, 0, 0, 0, 0, Path("envoy")))
    assert not list(results.iterdir())


def test_versions_of_those_who_took_part_are_told(results: Path) -> None:
    server.server(Rig(SETTINGS, results, 0, 0, 0, 0, Path("envoy")))
    about = json.loads((results / "server.json").read_text())["about"]
    assert {"CPU", "cores", "kernel", "Python", "nginx", "fastapi", "uvicorn"} <= about.keys()
    assert "mitmproxy" not in about
