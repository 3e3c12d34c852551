"""Real drift, replayed as HTTP requests through Outrider, beside Evidently and NannyML.

The same windows for all: Outrider reads them from the wire (`through`), the others get them as
frames, with their defaults (`package_evidently`, `package_nannyml`). Each history is replayed
twice: as it was, and with the rows of before and after shuffled, in which nothing drifts.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import environments
from bench.chart import Strips
from bench.drift import through
from bench.drift.series import History, Part, cut, first, shuffled
from bench.drift.settings import Settings
from bench.processes import BenchError
from bench.report import Table
from bench.turns import Side, side

MOST = 30
"""Windows of a history."""
PEERS = {"Evidently": ("evidently", "preset"), "NannyML": ("nannyml", "judge")}
"""Their environments, and what is asked there."""
TOOLS = ("Outrider", *PEERS)
OWN_CLOCK = ("--interval", "7d")
"""With the data's clock a window is complete, or a week old."""


class Source(NamedTuple):
    """A history that ships in a package."""

    name: str
    environment: str
    load: str
    size: int
    """Rows of a window."""
    what: str
    changes: int | None = None
    """The window, from 1, with which the change comes, where it is known."""
    how: dict[str, Any] | None = None
    """Of NannyML's: outputs, times, columns left out."""


def _nannyml(
    name: str, load: str, size: int, what: str, outputs: list[str], at: str | None, *without: str
) -> Source:
    how = {"outputs": outputs, "at": at, "without": ["id", "period", *without]}
    return Source(name, "nannyml", load, size, what, how=how)


SOURCES = (
    Source(
        "flights", "popmon", "flights", 1000,
        "popmon: flights in the USA in 2015, January to June, then July to December; US Airways "
        "became American Airlines on 1 July", changes=1,
    ),
    _nannyml(
        "employment", "load_us_census_ma_employment_data", 1000,
        "NannyML: census of Massachusetts, 2015, then 2016 to 2018",
        ["prediction", "predicted_probability"], None, "year",
    ),
    _nannyml(
        "housing", "load_modified_california_housing_dataset", 250,
        "NannyML: houses in California, in the order of its file",
        ["y_pred", "y_pred_proba"], "timestamp",
    ),
    _nannyml(
        "car loans", "load_synthetic_car_loan_dataset", 1000, "NannyML: made up, drifts half-way",
        ["y_pred", "y_pred_proba"], "timestamp",
    ),
    _nannyml(
        "credit cards", "load_synthetic_multiclass_classification_dataset", 1000,
        "NannyML: made up, three classes",
        ["y_pred", "y_pred_proba_prepaid_card", "y_pred_proba_highstreet_card",
         "y_pred_proba_upmarket_card"], "timestamp",
    ),
    _nannyml(
        "car prices", "load_synthetic_car_price_dataset", 1000, "NannyML: made up, a regression",
        ["y_pred"], "timestamp",
    ),
    Source(
        "digits", "nannyml", "digits", 50,
        "scikit-learn: handwriting in the order of its file, writer after writer",
    ),
    Source(
        "breast cancer", "nannyml", "breast_cancer", 50,
        "scikit-learn: tumours, three in eight of them malignant, then benign ones only", changes=3,
    ),
    Source(
        "diabetes", "nannyml", "diabetes", 50,
        "scikit-learn: patients of one sex, then of the other", changes=3,
    ),
)  # fmt: skip


@dataclass
class Found:
    """What was said of a history; columns in drift by tool and window."""

    name: str
    what: str
    columns: int
    reference: int
    size: int
    windows: int
    changes: int | None
    said: dict[str, list[list[str]]] = field(default_factory=dict)
    """As it was."""
    control: dict[str, list[list[str]]] = field(default_factory=dict)
    """Shuffled."""
    alarms: list[through.Alarm] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    """False alarms, in both."""
    differ: list[tuple[str, int, str]] = field(default_factory=list)
    """Where a backtest of the same rows says otherwise: in which of both, window, column."""
    own_clock: dict[str, Any] | None = None
    """With the data's own times."""


def run(settings: Settings) -> None:
    """Every history that can be read here. Raises BenchError."""
    found = []
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        folder = Path(home)
        asked = {
            name: _started(stack, name, f"bench.drift.package_{name}", folder)
            for name, _ in PEERS.values()
        }
        readers: dict[str, Side] = {}
        for source in SOURCES:
            if not settings.wanted(source.name):
                continue
            if source.environment not in readers:
                readers[source.environment] = _started(
                    stack, source.environment, "bench.drift.histories", folder
                )
            history = _read(source, readers[source.environment], folder)
            found.append(_judged(source, history, asked, folder))
            print(json.dumps(asdict(found[-1])), flush=True)
        for each in (*asked.values(), *readers.values()):
            versions |= each.versions
    _report(settings, found, versions)


def _started(stack: ExitStack, environment: str, module: str, folder: Path) -> Side:
    core = min(os.sched_getaffinity(0))
    name = f"{module.rpartition('.')[2]}-{environment}"
    python = environments.python(environment)
    return stack.enter_context(side(name, python, module, core, folder))


def _read(source: Source, reader: Side, folder: Path) -> History:
    file = folder / "history.json"
    reader.ask("load", name=source.load, file=str(file), **(source.how or {}))
    given = json.loads(file.read_text())
    return cut(Part(**given["reference"]), Part(**given["analysis"]), source.size, MOST)


def _judged(source: Source, history: History, asked: dict[str, Side], folder: Path) -> Found:
    found = Found(
        source.name,
        source.what,
        len(history.reference.columns()),
        len(history.reference),
        source.size,
        len(history.windows),
        source.changes,
    )
    twin = shuffled(history, np.random.default_rng(len(history.reference)))
    for said, each in ((found.said, history), (found.control, twin)):
        is_twin = each is twin
        with tempfile.TemporaryDirectory(dir=folder) as place:
            watched = _outrider(found, each, Path(place), is_twin)
            said["Outrider"] = watched.said
            if not is_twin:
                found.alarms = watched.alarms
                found.own_clock = _own_clock(each, Path(place))
            for tool, (environment, task) in PEERS.items():
                said[tool] = _peer(asked[environment], task, each, Path(place))
    return found


def _outrider(found: Found, history: History, folder: Path, is_twin: bool) -> through.Watched:
    reference = through.profile(history.reference, folder)
    watched = through.watch(history, reference, folder)
    found.allowed.append(watched.allowed)
    rows = through.jsonl(history.analysis, folder / "analysis.jsonl")
    pace = through.pace(history.size)
    typed = ("--window", str(history.size), "--interval", f"{pace:g}s",
             "--false-alarms", through.budget(history.size))  # fmt: skip
    again = through.states(through.backtest(rows, reference, *typed))
    replay = "shuffled" if is_twin else "as it was"
    for number, (ours, theirs) in enumerate(zip(watched.said, again, strict=True), 1):
        differ = sorted(set(ours) ^ set(theirs))
        found.differ += [(replay, number, name) for name in differ]
    return watched


def _own_clock(history: History, folder: Path) -> dict[str, Any] | None:
    """A backtest with default settings and the rows' own times, natural variation known."""
    if history.analysis.at is None:
        return None
    reference = through.profile(history.reference, folder, "--timestamp", "at")
    rows = through.jsonl(history.analysis, folder / "analysis.jsonl", at=True)
    lines = through.backtest(
        rows, reference, "--timestamp", "at", "--window", str(history.size), *OWN_CLOCK
    )
    return {
        **next(line for line in lines if line["kind"] == "summary"),
        "first": first(through.states(lines)),
        "columns": list(dict.fromkeys(o["column"] for o in lines if o["kind"] == "alarm")),
        "false_alarms_allowed": "1 per 30d",
    }


def _peer(asked: Side, task: str, history: History, folder: Path) -> list[list[str]]:
    file = folder / "rows.json"
    windows = [window.columns() for window in history.windows]
    file.write_text(json.dumps({"reference": history.reference.columns(), "windows": windows}))
    verdicts: dict[str, list[bool]] = asked.ask(task, file=str(file))
    return [[name for name, each in verdicts.items() if each[i]] for i in range(len(windows))]


# ---- what is written


def _report(settings: Settings, found: Sequence[Found], versions: dict[str, str]) -> None:
    if not found:
        raise BenchError("no such history")
    tables = [
        _summary(found, versions), _counts(found), _named(found), _clock(found)
    ]  # fmt: skip
    data = {"versions": versions, "found": [asdict(one) for one in found]}
    title = "Real drift, replayed as HTTP requests"
    settings.write("replay", title, tables, data, [_strips(one) for one in found])


def _summary(found: Sequence[Found], versions: dict[str, str]) -> Table:
    rows = []
    for one in found:
        firsts = [first(one.said[tool]) for tool in TOOLS]
        wrong = [sum(map(bool, one.control[tool])) for tool in TOOLS]
        rows.append([
            one.name, f"{one.reference:,}", f"{one.windows} × {one.size:,}", str(one.columns),
            str(one.changes or "–"), *(str(window or "never") for window in firsts),
            *map(str, wrong), f"{sum(one.allowed):.3f}", str(len(one.differ)),
        ])  # fmt: skip
    columns = [
        "history", "reference rows", "windows × rows", "columns", "changes in window",
        *(f"{tool}: first window with drift" for tool in TOOLS),
        *(f"{tool}: windows with drift where there is none" for tool in TOOLS),
        "false alarms allowed to Outrider in both", "verdicts unlike a backtest's",
    ]  # fmt: skip
    notes = [
        *(f"**{one.name}**: {one.what}." for one in found),
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, each in an "
        "environment of its own, with its defaults: Evidently's DataDriftPreset of each window, "
        "NannyML's univariate calculator with a chunk a window. Of a history longer than "
        f"{MOST} windows so many rows are taken, evenly spaced. In a window with drift at least "
        "one column is said to drift.",
        "Where there is none: the rows of before and after, shuffled and cut anew into as many. "
        "Outrider's verdict stays until evidence clears it, so that one false alarm can be several "
        "windows; Evidently and NannyML judge each window by itself.",
        f"Outrider: a row a request, one each {through.ROW * 1000:g} ms (a window in "
        f"{through.LEAST:g} s at least) if both sides keep up, "
        "`drift.false_alarms` one in 8,640 windows at that pace, as the default allows for windows "
        "of 5 minutes. What was allowed is by the time that the windows really took. The last "
        "column: columns and windows, in both replays, in which `outrider drift backtest` of the "
        "same rows says otherwise.",
    ]
    return Table("The first alarm, and alarms in vain", columns, rows, notes)


def _counts(found: Sequence[Found]) -> Table:
    rows = [
        [one.name, tool, *(" ".join(map(str, map(len, each[tool]))) for each in
                           (one.said, one.control))]
        for one in found
        for tool in TOOLS
    ]  # fmt: skip
    notes = ["Outrider's derived columns (relations, importance, confidence) count as columns."]
    return Table(
        "Columns in drift, window by window", ["history", "tool", "as it was", "shuffled"], rows,
        notes,
    )  # fmt: skip


def _named(found: Sequence[Found]) -> Table:
    shown = 6
    rows = []
    for one in found:
        order = sorted(one.alarms, key=lambda alarm: (alarm.window, -abs(alarm.effect)))
        rows += [
            [
                one.name, str(alarm.window), f"`{alarm.column}`",
                f"`{alarm.test}` {alarm.direction}".strip(), f"{alarm.effect:.2f}",
                str(alarm.span), f"{alarm.sent} of {alarm.examples}",
            ]
            for alarm in order[:shown]
        ]  # fmt: skip
        if len(order) > shown:
            rows.append([one.name, "", f"and {len(order) - shown} more", "", "", "", ""])
    columns = ["history", "window", "column", "what moved", "effect, sd", "windows in the span",
               "examples from that window"]  # fmt: skip
    notes = ["Outrider's alarms, the earliest first, then the largest."]
    return Table("What it named", columns, rows, notes)


def _clock(found: Sequence[Found]) -> Table:
    rows = []
    for one in found:
        told = one.own_clock
        if told is None:
            continue
        days = (told["ended"] - told["began"]) / 86400
        rows.append([
            one.name, f"{days:.0f}", str(told["windows"]), str(told["alarms"]),
            f"{told['allowed']:.1f}", str(told["first"] or "never"),
            ", ".join(f"`{name}`" for name in told["columns"]) or "–",
        ])  # fmt: skip
    columns = ["history", "days", "windows", "alarms", "allowed where nothing drifts",
               "first window with drift", "columns"]  # fmt: skip
    notes = ["`outrider drift backtest --timestamp` with one false alarm in 30 days of the data's "
             "own time, a window complete or a week old, and a reference built with `--timestamp`, "
             "so that natural variation is allowed for where a week or more shows it."]  # fmt: skip
    return Table("By the data's own clock", columns, rows, notes)


def _strips(one: Found) -> Strips:
    values: dict[str, Sequence[float]] = {
        tool if each is one.said else f"{tool}, shuffled": [
            min(1.0, len(columns) / one.columns) for columns in each[tool]
        ]
        for each in (one.said, one.control)
        for tool in TOOLS
    }
    title = f"{one.name}: share of columns in drift (grey: none)"
    mark = one.changes - 1 if one.changes else None
    return Strips(title, f"window of {one.size:,} rows", values, mark)
