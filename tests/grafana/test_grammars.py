"""Every LogQL and PromQL is understood by the grammars of Grafana's own editors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import in_ci
from tests.grafana.boards import BOARDS, put, queries
from tests.harness import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.needs("node", "npm")]

GRAMMARS = ROOT / "tests" / "grafana" / "grammars"
ENVIRONMENT = ROOT / "tests" / "grafana" / ".environment"
DURATIONS = dict.fromkeys(("__interval", "__rate_interval", "__range", "window"), "5m")


@pytest.fixture(scope="session")
def environment() -> Path:
    """Where the grammars are, installed if need be."""
    done = subprocess.run([ROOT / "scripts" / "grammars"], capture_output=True, text=True)
    if done.returncode:
        reason = f"the grammars could not be installed by npm: {done.stderr[-300:]}"
        (pytest.fail if in_ci() else pytest.skip)(reason)
    return ENVIRONMENT


def faults(environment: Path, asked: list[tuple[str, str]]) -> list[list[str]]:
    """Of each text what its grammar does not understand."""
    command = ["node", str(GRAMMARS / "parse.cjs"), str(environment)]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def filled(expr: str, board: str) -> str:
    """With durations in their places, and a name for all else."""
    names = {one["name"] for one in BOARDS[board]["templating"]["list"]}
    return put(expr, dict.fromkeys(names, "name") | DURATIONS)


@pytest.mark.parametrize(("language", "kind"), [("logql", "loki"), ("promql", "prometheus")])
def test_every_query_is_understood(environment: Path, language: str, kind: str) -> None:
    asked = queries(kind)
    assert asked
    texts = [filled(query.expr, query.board) for query in asked]
    for query, found in zip(
        asked, faults(environment, [(language, t) for t in texts]), strict=True
    ):
        assert not found, (query, found)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("logql", '{service_name=~"a"'),
        ("logql", '{a="b"} | json | status >'),
        ("logql", 'sum by (level) (count_over_time({a="b"}))'),
        ("promql", "sum by (le (rate(a[5m]))"),
        ("promql", "a / ignoring (b) group_left (sum(c))"),
    ],
)
def test_what_is_wrong_is_found(environment: Path, language: str, text: str) -> None:
    [found] = faults(environment, [(language, text)])
    assert found
