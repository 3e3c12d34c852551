"""What is owed and what arrived, and the request that all are measured with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bench import contestants, cpu
from bench.evidence import Evidence, log_lines
from bench.settings import Custom
from bench.workload import BODY_BYTES, COLUMNS, bodies


def test_each_kind_that_is_missing_is_named() -> None:
    arrived = Evidence(spans=19, logs=10, rows=7, loki=0)
    assert arrived.lacking(contestants.ALL, 10) == {"spans": 1, "rows": 3}


def test_requests_cut_off_at_the_end_may_be_recorded_too() -> None:
    assert Evidence(spans=24, logs=12, rows=11).lacking(contestants.ALL, 10) == {}


def test_only_whole_request_lines_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = b'{"http.request.method":"POST","pad":"' + b"x" * 700_000 + b'"}\n'
    log.write_bytes(line * 3 + b'{"message":"drift"}\n' + line[:-1])
    assert log_lines(log) == 3


def test_every_body_is_a_prediction_of_five_columns_in_160_bytes() -> None:
    cycle = bodies()
    assert len(set(cycle)) > 1000
    for body in cycle:
        assert len(body) == BODY_BYTES
        (row,) = json.loads(body)["instances"]
        assert tuple(row) == COLUMNS


def test_own_contestants_are_parsed() -> None:
    assert Custom.parse("mine@9004=run {port}") == Custom("mine", 9004, "run {port}")
    assert Custom.parse("mine=a b=c") == Custom("mine", None, "a b=c")
    with pytest.raises(ValueError, match="NAME=COMMAND"):
        Custom.parse("mine")


def test_roles_are_read_from_command_lines() -> None:
    assert cpu.role(b"outrider: worker 0\0\0\0") == "worker"
    assert cpu.role(b"nginx: worker process\0") == "worker"
    assert cpu.role(b"/opt/envoy\0-c\0x") == "envoy"
    assert cpu.role(b"") == "?"


def test_evidence_is_taken_since_a_moment() -> None:
    total, before = Evidence(9, 8, 7, 6), Evidence(1, 2, 3, 4)
    assert dataclasses.astuple(total.since(before)) == (8, 6, 4, 2)
