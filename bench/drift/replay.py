"""Real drift, replayed as HTTP requests through Outrider, beside Evidently and NannyML.

The same windows for all: Outrider reads them from the wire (`through`), the others get them as
frames, with their defaults (`package_evidently`, `package_nannyml`). Each history is replayed
twice: as it was, and with the rows of before and after shuffled, in which nothing drifts.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import environments
from bench.drift import through
from bench.drift.replay_tables import MOST, Found, report
from bench.drift.series import History, Part, cut, first, shuffled
from bench.drift.settings import Settings
from bench.processes import BenchError
from bench.turns import Side, side

PEERS = {"Evidently": ("evidently", "preset"), "NannyML": ("nannyml", "judge")}
"""Their environments, and what is asked there."""
OWN_CLOCK = ("--interval", "7d")
"""With the data's clock a window is complete, or a week old."""
HALF = MOST // 2 + 1
"""The window with which the second half of a long history begins."""


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
    name: str, load: str, size: int, what: str, outputs: list[str], at: str | None, *without: str,
    changes: int | None = None,
) -> Source:  # fmt: skip
    how = {"outputs": outputs, "at": at, "without": ["id", "period", *without]}
    return Source(name, "nannyml", load, size, what, changes, how)


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
        "car loans", "load_synthetic_car_loan_dataset", 1000,
        "NannyML: made up, a classification, changed half-way",
        ["y_pred", "y_pred_proba"], "timestamp", changes=HALF,
    ),
    _nannyml(
        "credit cards", "load_synthetic_multiclass_classification_dataset", 1000,
        "NannyML: made up, three classes, changed half-way",
        ["y_pred", "y_pred_proba_prepaid_card", "y_pred_proba_highstreet_card",
         "y_pred_proba_upmarket_card"], "timestamp", changes=HALF,
    ),
    _nannyml(
        "car prices", "load_synthetic_car_price_dataset", 1000,
        "NannyML: made up, a regression, changed half-way",
        ["y_pred"], "timestamp", changes=HALF,
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


def run(settings: Settings) -> None:
    """Every history, one after the other, as pace matters; without one of the peers none.

    Raises BenchError.
    """
    if not all(_is_made(environment) for environment, _ in PEERS.values()):
        return
    made = {name for name in {source.environment for source in SOURCES} if _is_made(name)}
    wanted = {
        source.name: source
        for source in SOURCES
        if settings.wanted(source.name) and source.environment in made
    }
    one_by_one = replace(settings, processes=1)
    told = dict(one_by_one.each("replay", wanted, _replayed))
    found = [_found(source, told[name]) for name, source in wanted.items() if name in told]
    report(settings, found)


def _is_made(environment: str) -> bool:
    try:
        environments.python(environment)
    except BenchError as problem:
        print(f"replay: {problem}", file=sys.stderr, flush=True)
        return False
    return True


def _found(source: Source, plain: dict[str, Any]) -> Found:
    alarms = [through.Alarm(**each) for each in plain["alarms"]]
    return Found(**plain | {"alarms": alarms, "what": source.what, "changes": source.changes})


def _replayed(source: Source) -> Found:
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        folder = Path(home)
        asked = {
            name: _started(stack, name, f"bench.drift.package_{name}", folder)
            for name, _ in PEERS.values()
        }
        reader = _started(stack, source.environment, "bench.drift.histories", folder)
        history = _read(source, reader, folder)
        found = _judged(source, history, asked, folder)
        for each in (*asked.values(), reader):
            found.versions |= each.versions
    counts = {tool: [len(columns) for columns in said] for tool, said in found.said.items()}
    print(source.name, counts, flush=True)
    return found


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
