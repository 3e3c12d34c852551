"""What a row costs to decode and to sketch, by its columns and by the rows in a request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from bench import environments, rows_made
from bench.chart import Lines
from bench.processes import BenchError
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig, say
from bench.turns import Side, side


class Case(NamedTuple):
    """So many columns, so many rows a request; `total` rows a round."""

    columns: int
    rows: int
    total: int


CASES = (
    Case(5, 1, 4096),
    Case(5, 10, 8000),
    Case(5, 100, 16_000),
    Case(5, 1000, 16_000),
    Case(50, 1, 1024),
    Case(50, 1000, 4000),
    Case(500, 1, 128),
    Case(500, 1000, 1000),
)
ALONE = "alone"
"""Frames of one request, as at a few requests a second."""
Times = dict[Case, dict[str, list[float]]]
"""CPU µs a row, by who."""


def rows(rig: Rig) -> None:
    """CPU µs a row, in turns."""
    folder = rig.place("rows")
    files = {case: folder / f"{case.columns}-{case.total}.jsonl" for case in CASES}
    for case, file in files.items():
        rows_made.write(file, case.columns, case.total)
    core = rig.settings.proxy_core
    peer = environments.python("whylogs")
    with (
        side("outrider", Path(sys.executable), "bench.rows_outrider", core, folder) as ours,
        side("whylogs", peer, "bench.rows_whylogs", core, folder) as theirs,
    ):
        for case, file in files.items():
            check(ours, theirs, file, case)
        times = _turns(rig, ours, theirs, files)
        versions = ours.versions | theirs.versions
    _report(rig, times, versions)


def check(ours: Side, theirs: Side, file: Path, case: Case) -> None:
    """Raise BenchError unless both have seen exactly the rows of the file."""
    wanted = rows_made.seen_in(rows_made.parsed(str(file)))
    for one in (ours, theirs):
        seen = one.ask("seen", file=str(file), rows=case.rows)
        if wrong := rows_made.differences(wanted, seen):
            names = ", ".join(wrong[:5])
            raise BenchError(f"{one.name} has not seen the rows of {file.name}: {names}")


def _turns(rig: Rig, ours: Side, theirs: Side, files: dict[Case, Path]) -> Times:
    times: Times = {case: {"outrider": [], "whylogs": [], ALONE: []} for case in CASES}
    for turn in range(rig.settings.rounds + 1):
        say(f"rows: round {turn} of {rig.settings.rounds}" if turn else "rows: warm-up")
        for case, file in files.items():
            asked = {"file": str(file), "rows": case.rows}
            took = {"outrider": ours.ask("run", **asked), "whylogs": theirs.ask("run", **asked)}
            if case.rows == 1:
                took[ALONE] = ours.ask("run", **asked, most=1)
            if turn:
                for who, seconds in took.items():
                    times[case][who].append(seconds * 1e6 / case.total)
    return times


def _report(rig: Rig, times: Times, versions: dict[str, str]) -> None:
    made = []
    for case, took in times.items():
        mine, its = took["outrider"], took["whylogs"]
        alone = took[ALONE]
        made.append([
            str(case.columns),
            f"{case.rows}",
            f"{median(mine):.2f}", spread(mine, 2),
            f"{median(its):.1f}", spread(its),
            ratio(median(its), median(mine)),
            f"{median(alone):.2f}" if alone else "–",
            ratio(median(its), median(alone)) if alone else "–",
        ])  # fmt: skip
    columns = [
        "columns", "rows a request", "Outrider, µs/row", "least–most", "whylogs, µs/row",
        "least–most", "whylogs / ours", "Outrider, frames of one", "whylogs / that",
    ]  # fmt: skip
    notes = [
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, each in its own "
        "environment and process, in turns on one core; CPU, medians of the rounds.",
        "The same rows, but whylogs is given them parsed: `track(row)` of a dict where a request "
        "has one row, else `track(frame)` of a data frame a request. Outrider is given the "
        "requests' bytes, and an answer of two numbers a row which it decodes and sketches too; "
        "windows are judged on a learned reference. Its frames are those that the bus makes: up "
        "to 256 requests or 256 KiB, read before the clock starts. The next to last column is the "
        "same with a frame for every request, as at a few requests a second. Bodies over 1 MiB "
        "are not captured by default: 50 columns of 1,000 rows have more.",
    ]
    table = Table("A row decoded and sketched", columns, made, notes)
    data = {
        "versions": versions,
        "us": [{**case._asdict(), **took} for case, took in times.items()],
    }
    title = "Rows decoded and sketched, against whylogs"
    write(rig.settings, rig.envoy, "rows", title, [table], data, _charts(times))


def _charts(times: Times) -> list[Lines]:
    """How both grow: with the columns, and with the rows of a request."""

    def points(who: str, rows: int | None) -> list[tuple[float, list[float]]]:
        if rows is None:
            return [(case.rows, times[case][who]) for case in CASES if case.columns == 5]
        return [(case.columns, times[case][who]) for case in CASES if case.rows == rows]

    names = {"Outrider": "outrider", "whylogs": "whylogs"}
    by_columns = {
        f"{name}, {rows} a request": points(who, rows)
        for name, who in names.items()
        for rows in (1, 1000)
    }
    by_rows = {name: points(who, None) for name, who in names.items()}
    return [
        Lines("A row, by its columns", "columns", "CPU µs a row", by_columns, log=True),
        Lines("A row of five columns", "rows a request", "CPU µs a row", by_rows, log=True),
    ]
