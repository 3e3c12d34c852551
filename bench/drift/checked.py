"""The re-implemented rules against the packages themselves: the same windows, the same decisions.

Rule: where a rule is exact, one decision that differs is an error; whylogs sees rows by sketches
with chance in them, so there the share of equal decisions is told.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import environments
from bench.drift.data import COLUMNS, SHIFTS, Names, Source
from bench.drift.peers import RULES, SMALL, NannyML, Rows, RuleOf
from bench.drift.settings import Settings
from bench.processes import BenchError
from bench.report import Table
from bench.turns import Side, side

WINDOWS = 6
"""Without drift, and as many in which columns have changed."""
CHANGED = (
    "mean 0.2 sd", "lognormal, mean 0.1 sd", "3 categories, mix 5 %", "20 categories, mix 5 %",
)  # fmt: skip
Rule = Callable[[Rows, int], Callable[[Rows], bool]]
"""Of a reference and the rows of a window: what judges a window."""


class Case(NamedTuple):
    """A package, what it is given, and our rule of it."""

    package: str
    reference: int
    rows: int
    rule: Rule
    exact: bool = True


def _rule(name: str) -> Rule:
    return _plain(next(rule for rule in RULES if rule.name.startswith(name)))


def _plain(rule: RuleOf) -> Rule:
    return lambda reference, _: lambda window: rule.alarms(reference, window)


def _nannyml(reference: Rows, rows: int) -> Callable[[Rows], bool]:
    return NannyML.of(reference, rows).alarms


CASES = (
    Case("evidently", 1000, 200, _plain(SMALL)),
    Case("evidently", 1000, 1000, _plain(SMALL)),
    Case("evidently", 20_000, 200, _rule("Evidently")),
    Case("evidently", 20_000, 1000, _rule("Evidently")),
    Case("nannyml", 20_000, 200, _nannyml),
    Case("nannyml", 20_000, 1000, _nannyml),
    Case("trustyai", 20_000, 200, _rule("TrustyAI")),
    Case("trustyai", 20_000, 1000, _rule("TrustyAI")),
    Case("whylogs-drift", 20_000, 200, _rule("whylogs"), exact=False),
    Case("whylogs-drift", 20_000, 1000, _rule("whylogs"), exact=False),
)


class Found(NamedTuple):
    """Decisions, a column and a window each."""

    case: Case
    decisions: int
    equal: int
    drift: int
    """Of the package's, those that say drift."""
    differ: list[str]
    """Columns in which some are not equal."""


def run(settings: Settings) -> None:
    """Every package that can be asked here; the others are named. Raises BenchError."""
    found: list[Found] = []
    versions: dict[str, str] = {}
    missing: list[str] = []
    for package in dict.fromkeys(case.package for case in CASES):
        if not settings.wanted(package):
            continue
        try:
            with ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                asked = stack.enter_context(_started(package, folder))
                versions |= asked.versions
                cases = [case for case in CASES if case.package == package]
                found += [_compared(case, asked, folder) for case in cases]
        except BenchError as problem:
            print(f"{package}: {problem}", file=sys.stderr, flush=True)
            missing.append(package)
    _report(settings, found, versions, missing)
    wrong = [one for one in found if one.case.exact and one.equal < one.decisions]
    if wrong:
        names = ", ".join(f"{one.case.package} ({', '.join(one.differ)})" for one in wrong)
        raise BenchError(f"a rule decides otherwise than its package: {names}")


def _started(package: str, folder: Path) -> Any:
    module = f"bench.drift.package_{package.split('-')[0]}"
    core = min(os.sched_getaffinity(0))
    return side(package, environments.python(package), module, core, folder)


def drawn(
    reference: int, rows: int, seed: int
) -> tuple[dict[str, list[Any]], list[dict[str, list[Any]]]]:
    """Rows of a reference and of windows, the second half of these changed."""
    rng = np.random.default_rng([seed, reference, rows])
    changes = dict(SHIFTS[name] for name in CHANGED)

    def draw(columns: Sequence[tuple[str, Source]], count: int) -> dict[str, list[Any]]:
        return {name: list(source.rows(rng, count)) for name, source in columns}

    changed = [(name, changes.get(name, source)) for name, source in COLUMNS]
    whole = draw(COLUMNS, reference)
    return whole, [draw(c, rows) for c in (COLUMNS, changed) for _ in range(WINDOWS)]


def decided(
    rule: Rule, rows: int, whole: dict[str, list[Any]], windows: Sequence[dict[str, list[Any]]]
) -> dict[str, list[bool]]:
    """What our rule says of each column and window."""
    said = {}
    for name, source in COLUMNS:
        codes: dict[str, int] | None = {} if isinstance(source, Names) else None
        judge = rule(Rows.of(whole[name], codes), rows)
        said[name] = [judge(Rows.of(window[name], codes)) for window in windows]
    return said


def _compared(case: Case, asked: Side, folder: Path) -> Found:
    whole, windows = drawn(case.reference, case.rows, 1)
    file = folder / "rows.json"
    file.write_text(json.dumps({"reference": whole, "windows": windows}))
    theirs: dict[str, list[bool]] = asked.ask("judge", file=str(file))
    ours = decided(case.rule, case.rows, whole, windows)
    equal = {name: sum(a == b for a, b in zip(ours[name], theirs[name], strict=True))
             for name in theirs}  # fmt: skip
    return Found(
        case,
        decisions=sum(map(len, theirs.values())),
        equal=sum(equal.values()),
        drift=sum(map(sum, theirs.values())),
        differ=[name for name, count in equal.items() if count < len(windows)],
    )


def _report(
    settings: Settings, found: Sequence[Found], versions: dict[str, str], missing: Sequence[str]
) -> None:
    rows = [
        [
            one.case.package.split("-")[0],
            f"{one.case.reference:,}",
            f"{one.case.rows:,}",
            str(one.decisions),
            str(one.equal),
            str(one.drift),
            ", ".join(one.differ) or "none",
        ]
        for one in found
    ]
    columns = ["package", "reference rows", "rows a window", "decisions", "equal",
               "say drift", "columns that differ"]  # fmt: skip
    notes = [
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, each in an "
        f"environment of its own. {WINDOWS} windows without drift and {WINDOWS} in which four "
        "columns have changed; a decision a column and a window.",
        "Equal in all is demanded of Evidently, NannyML and TrustyAI. whylogs sees rows through a "
        "sketch with chance in it, our rule of it sees them all: near p = 0.05 they may differ.",
        *([f"Could not be asked here: {', '.join(missing)}."] if missing else []),
    ]
    table = Table("The rules of others, and the packages themselves", columns, rows, notes)
    data = {"versions": versions, "missing": list(missing), "found": [
        {**one._asdict(), "case": [one.case.package, one.case.reference, one.case.rows]}
        for one in found
    ]}  # fmt: skip
    settings.write("peers", "Peers' rules checked against the packages", [table], data, [])
