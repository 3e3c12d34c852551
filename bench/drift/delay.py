"""A change of known size: windows until the alarm, and whether it names the column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bench.chart import Bars, Lines
from bench.drift import equal, joint
from bench.drift.changes import BEFORE, delays
from bench.drift.data import COLUMNS, SHIFTS, Names, Source
from bench.drift.ours import REFERENCE, Traffic
from bench.drift.peers import RULES, NannyML, Rows
from bench.drift.settings import Settings, groups
from bench.report import Table

PART = "delay"
SIZES = (50, 200, 1000, 10_000)
CAPS = {50: 2500, 200: 1000, 1000: 300, 10_000: 60}
GATES = (0.0, 0.05)
Found = dict[str, Any]
"""A Delay, as plain data."""
Ours = dict[str, dict[str, list[Found]]]
"""By change, by rows and min_effect."""
Equal = dict[str, dict[int, dict[str, list[float]]]]
"""By change, by rows, by statistic: its `Power`."""


def run(settings: Settings) -> None:
    """Ours to the alarm, the peers by the share of windows that alarm."""
    ours: Ours = {}
    for rows in SIZES:
        for gate in GATES:
            name = told(rows, gate)
            if settings.wanted(name):
                _add(ours, name, _ours(settings, name, rows, gate), CAPS[rows])
    for change in joint.CHANGES if settings.wanted("joint") else ():
        for rows in SIZES:
            work = partial(joint.delays, change, rows, CAPS[rows])
            count = max(1, settings.repetitions // 3)
            name = f"joint, {change}, {rows:,} rows"
            each = settings.sequences_of(PART, name, count, work, 5)
            _add(ours, told(rows, 0.0), {change: each}, CAPS[rows])
    own = _own(settings) if settings.wanted("peers") else {}
    at_equal = _at_equal(settings) if settings.wanted("equal") else {}
    _report(settings, ours, own, at_equal)


def told(rows: int, gate: float) -> str:
    """A column of the table."""
    return f"{rows:,} rows, min_effect {gate:g}"


def _ours(settings: Settings, name: str, rows: int, gate: float) -> dict[str, list[Found]]:
    work = partial(delays, Traffic("", rows, min_effect=gate), CAPS[rows])
    found: dict[str, list[Found]] = {}
    for _, each in settings.each(PART, groups(name, settings.repetitions), work):
        for shift, some in each.items():
            found.setdefault(shift, []).extend(some)
    return found


def _add(ours: Ours, name: str, found: dict[str, list[Found]], cap: int) -> None:
    for shift, each in found.items():
        if not each:
            continue
        ours.setdefault(shift, {})[name] = each
        print(name, shift, _cell(each, cap), flush=True)


def mean(found: Sequence[Found], cap: int) -> float:
    """In windows; those not found count as the cap."""
    return float(np.mean([one["windows"] or cap for one in found])) if found else float("nan")


def _cell(found: Sequence[Found], cap: int) -> str:
    missed = sum(one["windows"] is None for one in found)
    told = f" ({missed} of {len(found)} not in {cap})" if missed else ""
    return f"{mean(found, cap):.3g}{told}" if found else "–"


def _changed(shift: str) -> tuple[Source, Source]:
    name, after = SHIFTS[shift]
    return dict(COLUMNS)[name], after


def _own(settings: Settings) -> dict[str, dict[str, dict[int, float]]]:
    """Power a window of each rule at its own setting, by change, rule and rows."""
    power: dict[str, dict[str, dict[int, float]]] = {}
    tasks = [(shift, rows) for shift in SHIFTS for rows in SIZES]
    windows = min(settings.peer_windows, 200)
    named = {f"own, {shift}, {rows}": (shift, rows) for shift, rows in tasks}
    for name, each in settings.each(PART, named, partial(_powers, windows)):
        shift, rows = named[name]
        for rule, share in each.items():
            power.setdefault(shift, {}).setdefault(rule, {})[rows] = share
    return power


def _powers(windows: int, task: tuple[str, int]) -> dict[str, float]:
    shift, rows = task
    before, after = _changed(shift)
    rng = np.random.default_rng([rows, len(shift), 5])
    codes: dict[str, int] | None = {} if isinstance(before, Names) else None
    reference = Rows.of(before.rows(rng, REFERENCE), codes)
    limit = NannyML.of(reference, rows)
    drawn = [Rows.of(after.rows(rng, rows), codes) for _ in range(windows)]
    found = {
        rule.name: float(np.mean([rule.alarms(reference, window) for window in drawn]))
        for rule in RULES
    }
    strange = [limit.alarms(window) for window in drawn]
    return found | {"NannyML": float(np.mean(strange))}


def _at_equal(settings: Settings) -> Equal:
    """Of each change, where all may raise one false alarm in 30 days."""
    columns = list(dict.fromkeys(column for column, _ in SHIFTS.values()))
    tasks = {f"equal, {c}, {rows}": (c, rows) for rows in SIZES for c in columns}
    found: Equal = {}
    for name, powers in settings.each(PART, tasks, _equal):
        for shift, each in powers.items():
            found.setdefault(shift, {})[tasks[name][1]] = each
            print(shift, tasks[name][1], best(each), flush=True)
    return found


class Best(NamedTuple):
    """A statistic, and its mean delay in windows; infinite where none alarmed at all."""

    name: str
    windows: float
    few: bool
    """Whether so few alarms tell it that it is an order of magnitude only."""
    simulated: int
    """Windows after the change."""

    @property
    def shown(self) -> float:
        """In a picture: where none alarmed at least as many windows as were simulated."""
        return self.windows if np.isfinite(self.windows) else float(self.simulated)

    def __str__(self) -> str:
        if not np.isfinite(self.windows):
            return f"over {self.simulated:,}"
        digits = ",.0f" if self.windows >= 100 else ".3g"
        return f"{self.windows:{digits}}{'*' if self.few else ''} {self.name}"


def best(powers: Mapping[str, Sequence[float]]) -> Best:
    """Chosen with hindsight; the test of missing rows only where they alone have changed."""
    known = {name: equal.Power(*power) for name, power in powers.items()}
    if len(known) > 1:
        known.pop(equal.MISSING_TEST, None)
    first = min(known, key=lambda name: equal.delay(known[name]))
    windows, alarms = known[first]
    few = windows != equal.EXACT and alarms < equal.FEW
    return Best(first, equal.delay(known[first]), few, int(windows))


def _equal(task: tuple[str, int]) -> dict[str, dict[str, equal.Power]]:
    return equal.powers(*task)


def _report(
    settings: Settings, ours: Ours, own: dict[str, dict[str, dict[int, float]]], at_equal: Equal
) -> None:
    tables = [
        *([_ours_table(settings, ours)] if ours else []),
        *([_best_table(ours, at_equal)] if at_equal else []),
        *([_own_table(own)] if own else []),
    ]
    data = {"ours": ours, "own": own, "equal": at_equal}
    charts = [_chart(ours, at_equal), _bars(ours, at_equal)] if ours and at_equal else []
    settings.write(PART, "How soon a change is found", tables, data, charts)


def _ours_table(settings: Settings, ours: Ours) -> Table:
    columns = [told(rows, gate) for rows in SIZES for gate in GATES]
    rows = []
    for shift, each in ours.items():
        cells = [_cell(each.get(name, []), CAPS[_rows(name)]) for name in columns]
        named = [one["named"] for found in each.values() for one in found if one["windows"]]
        rows.append([shift, *cells, f"{np.mean(named):.1%}" if named else "–"])
    return Table(
        "Outrider: mean windows from the change to the alarm",
        ["one of 20 columns changes", *columns, "right column named"],
        rows,
        [f"{settings.repetitions} repetitions, a third for correlations, each with a reference "
         f"drawn anew of {REFERENCE:,} rows; {BEFORE} quiet windows first; one false alarm in 30 "
         "days. What is not found counts as the most windows looked at. Correlations: of two "
         "columns that stay as they are each; found by what is derived of rows, with its 15 % of "
         "the budget."],
    )  # fmt: skip


def _best_table(ours: Ours, at_equal: Equal) -> Table:
    rows = []
    for shift, each in at_equal.items():
        cells = []
        for n in SIZES:
            if n not in each:
                cells += ["–", "–"]
                continue
            peer = best(each[n])
            found = ours.get(shift, {}).get(told(n, 0.0), [])
            ratio = mean(found, CAPS[n]) / peer.windows if found else float("nan")
            cells += [str(peer), f"{ratio:.2g}" if ratio else "–"]
        rows.append([shift, *cells])
    return Table(
        "The best peer at one false alarm in 30 days, and ours over it",
        ["", *(cell for n in SIZES for cell in (f"{n:,} rows", "ours / it"))],
        rows,
        ["Of PSI, Jensen-Shannon, Wasserstein, Kolmogorov-Smirnov, TrustyAI's mean shift and "
         "chi-squared the best is chosen with hindsight. Its threshold is raised until 20 columns "
         f"exceed it once in 8,640 windows, over {equal.REFERENCES} references; the delay is 1 / "
         "power. binomial: a test of missing rows that no tool has. Ours at min_effect 0.",
         f"*: fewer than {equal.FEW} alarms in the windows simulated, an order of magnitude; over: "
         "none in so many."],
    )  # fmt: skip


def _own_table(own: dict[str, dict[str, dict[int, float]]]) -> Table:
    rules = next(iter(own.values()))
    return Table(
        "Peers at their own settings: share of windows that alarm after the change",
        [" / ".join(f"{n:,}" for n in SIZES) + " rows", *rules],
        [
            [shift, *(" / ".join(_share(share.get(n)) for n in SIZES) for share in each.values())]
            for shift, each in own.items()
        ],
        ["What false alarms they raise at these settings: drift-false-alarms.md. Mean windows to "
         "the first alarm are 1 / share."],
    )  # fmt: skip


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _chart(ours: Ours, at_equal: Equal) -> Lines:
    """A mean that moves by 0.1 sd."""
    shift = "mean 0.1 sd"
    mine = ours.get(shift, {})
    lines: dict[str, list[tuple[float, list[float]]]] = {
        "Outrider": [
            (n, [mean(mine[told(n, 0.0)], CAPS[n])]) for n in SIZES if told(n, 0.0) in mine
        ],
        "best peer": [
            (n, [best(each).shown]) for n, each in sorted(at_equal.get(shift, {}).items())
        ],
    }
    return Lines("Windows until a mean moved by 0.1 sd is found, at equal false alarms",
                 "rows a window", "windows", lines, log=True)  # fmt: skip


def _bars(ours: Ours, at_equal: Equal) -> Bars:
    bars: dict[str, list[float]] = {}
    for shift, each in at_equal.items():
        found = ours.get(shift, {}).get(told(200, 0.0))
        if found and 200 in each:
            bars[f"Outrider: {shift}"] = [mean(found, CAPS[200])]
            peer = best(each[200])
            name = peer.name if np.isfinite(peer.windows) else "none so soon"
            bars[f"{name}: {shift}"] = [peer.shown]
    return Bars(
        "Windows of 200 rows to the alarm, at equal false alarms", "windows", bars, log=True
    )


def _rows(name: str) -> int:
    return int(name.split(" ")[0].replace(",", ""))
