"""Proof that nothing was dropped: what arrived, against what a contestant owes.

Spans and pushed lines are what the receivers decoded, log lines what stands in the file, rows
what Outrider's own metrics say was decoded and counted, column by column.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.contestants import Contestant, Running
from bench.rig import Rig, say
from bench.workload import COLUMNS

LOG_MARK = b'"http.request.method"'


@dataclass(frozen=True)
class Evidence:
    """Totals since the start of a contestant, or the difference of two."""

    spans: int = 0
    logs: int = 0
    rows: int = 0
    loki: int = 0

    def since(self, earlier: Evidence) -> Evidence:
        """The difference."""
        return Evidence(
            self.spans - earlier.spans,
            self.logs - earlier.logs,
            self.rows - earlier.rows,
            self.loki - earlier.loki,
        )

    def lacking(self, contestant: Contestant, requests: int) -> dict[str, int]:
        """How much of each kind is missing for `requests` answers; empty if nothing.

        More than owed is not dropped: when wrk stops it leaves up to one request a connection
        unanswered, and the contestant rightly records those too.
        """
        owed = {
            "spans": contestant.spans * requests - self.spans,
            "log lines": contestant.logs * requests - self.logs,
            "rows": contestant.rows * requests - self.rows,
            "Loki lines": contestant.loki * requests - self.loki,
        }
        return {kind: missing for kind, missing in owed.items() if missing > 0}


def outside(rig: Rig, running: Running) -> Evidence:
    """What can be counted without asking the contestant (rows are 0 here)."""
    received = rig.received()
    log = running.launch.log
    return Evidence(
        spans=received["spans"], logs=log_lines(log) if log else 0, loki=received["loki"]
    )


def complete(rig: Rig, running: Running) -> Evidence:
    """All of it; for rows the contestant's metrics are read, which costs it CPU."""
    seen = outside(rig, running)
    rows = decoded_rows(running) if running.contestant.rows else 0
    return Evidence(seen.spans, seen.logs, rows, seen.loki)


def log_lines(log: Path) -> int:
    """Request records in a file of JSON lines."""
    if not log.exists():
        return 0
    total = 0
    rest = b""
    with log.open("rb") as file:
        while piece := file.read(1 << 20):
            lines, newline, rest = (rest + piece).rpartition(b"\n")
            total += lines.count(LOG_MARK) if newline else 0
    return total


def decoded_rows(running: Running) -> int:
    """Rows decoded "ok" and counted in each of the five input columns: the least of these.

    Of a contestant that counts for itself (`Launch.rows`) what it says. 0 if nothing can be read:
    unproven rows are missing rows.
    """
    launch = running.launch
    where = launch.rows or launch.metrics
    assert where
    try:
        with urllib.request.urlopen(where, timeout=10) as answer:
            text = answer.read().decode()
    except OSError as error:
        say(f"{running.contestant.name}: no metrics: {error}")
        return 0
    return int(json.loads(text)["rows"]) if launch.rows else _rows_of(text)


def _rows_of(metrics: str) -> int:
    decoded = 0.0
    columns: Counter[str] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "outrider_decode_total" and sample.labels["outcome"] == "ok":
                decoded += sample.value
            if sample.name == "outrider_column_values_total" and sample.labels["side"] == "input":
                columns[sample.labels["column"]] += int(sample.value)
    return min(int(decoded), *(columns[name] for name in COLUMNS))
