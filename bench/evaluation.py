"""What it costs to judge 20 columns of 50,000 rows, and whether the same columns are found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench import environments, evaluation_made
from bench.chart import Bars
from bench.evaluation_made import CATEGORIES, ROWS, SHIFTED
from bench.processes import BenchError
from bench.report import Table, median, ratio, spread, write
from bench.rig import Rig, say
from bench.turns import Side, side

OURS, PRESET, TESTS = (
    "Outrider, an evaluation",
    "Evidently, DataDriftPreset",
    "Evidently, its 20 tests alone",
)
WINDOWS = {"same": "no drift", "shifted": "drift in five"}


def evaluation(rig: Rig) -> None:
    """CPU ms of an evaluation, in turns, and the columns found."""
    folder = rig.place("evaluation")
    files = evaluation_made.write(folder)
    core = rig.settings.proxy_core
    peer = environments.python("evidently")
    with (
        side("outrider", Path(sys.executable), "bench.evaluation_outrider", core, folder) as ours,
        side("evidently", peer, "bench.evaluation_evidently", core, folder) as theirs,
    ):
        contestants = {OURS: (ours, "run"), PRESET: (theirs, "run"), TESTS: (theirs, "tests")}
        results = _turns(rig, contestants, files)
        versions = ours.versions | theirs.versions
    _report(rig, results, versions)


def _turns(
    rig: Rig, contestants: dict[str, tuple[Side, str]], files: dict[str, str]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """What each said of each window, round by round; the first one warms up and does not count."""
    results: dict[str, dict[str, list[dict[str, Any]]]] = {
        name: {window: [] for window in WINDOWS} for name in contestants
    }
    for turn in range(rig.settings.rounds + 1):
        say(f"evaluation: round {turn} of {rig.settings.rounds}" if turn else "evaluation: warm-up")
        for window in WINDOWS:
            for name, (who, task) in contestants.items():
                reference = files["reference"]
                found = who.ask(task, reference_file=reference, file=files[window])
                if set(found["rows"].values()) != {ROWS} or len(found["rows"]) != 20:
                    raise BenchError(f"{name} did not judge 20 columns of {ROWS} rows")
                if turn:
                    results[name][window].append(found)
    return results


def _report(
    rig: Rig, results: dict[str, dict[str, list[dict[str, Any]]]], versions: dict[str, str]
) -> None:
    ms = {
        name: {w: [1e3 * one["seconds"] for one in each] for w, each in windows.items()}
        for name, windows in results.items()
    }
    rows = []
    for name, windows in ms.items():
        row = [name]
        for window, each in windows.items():
            row += [f"{median(each):.0f}", spread(each, 0)]
            row += [ratio(median(each), median(ms[OURS][window]))]
        rows.append(row)
    columns = [
        "",
        "CPU ms, no drift",
        "least–most",
        "/ ours",
        "CPU ms, drift",
        "least–most",
        "/ ours",
    ]
    building = [1e3 * results[OURS]["same"][0]["building"]]
    notes = [
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, each in its own "
        "environment and process, in turns on one core; medians of the rounds.",
        f"20 columns: 16 of numbers, 4 of {', '.join(map(str, CATEGORIES))} categories. Evidently "
        "is given the reference's rows and the window's as data sets in memory, Outrider the "
        "reference's profile and the window's rows as decoded payloads in memory; to make that "
        f"profile of the {ROWS} rows took it {building[0]:.0f} ms once. Outrider: rows to verdicts "
        "of all columns. Evidently: the report of the preset, which draws its charts too; and its "
        "tests called one after another with nothing around them.",
    ]
    timing = Table("An evaluation of 20 columns × 50,000 rows", columns, rows, notes)
    found = Table(
        "Columns found",
        ["", "no drift", f"drift in {', '.join(SHIFTED)}"],
        [[name, *(_found(each[w]) for w in WINDOWS)] for name, each in results.items()],
        ["What was changed: half a standard deviation, or a fifth of a categorical column's rows."],
    )
    both = {name: [*each["same"], *each["shifted"]] for name, each in ms.items()}
    chart = Bars("An evaluation of 20 columns × 50,000 rows", "CPU ms", both, peer=OURS, log=True)
    title = "Drift evaluated, against Evidently"
    data = {"versions": versions, "ms": ms, "building_ms": building, "said": results}
    write(rig.settings, rig.envoy, "evaluation", title, [timing, found], data, [chart])


def _found(said: list[dict[str, Any]]) -> str:
    """The columns that were found; they are the same in every round."""
    each = {tuple(one["drift"]) for one in said}
    return "; ".join(", ".join(names) or "none" for names in sorted(each))
