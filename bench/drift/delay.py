"""A change of known size: windows until the alarm, and whether it names the column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
from scipy import stats

from bench.chart import Bars
from bench.drift import peers
from bench.drift.data import COLUMNS, SHIFTS, Names, Source
from bench.drift.ours import REFERENCE, WINDOWS, Delay, Traffic, delay
from bench.drift.peers import RULES, Array, NannyML, Rows, Statistic
from bench.drift.settings import Settings
from bench.report import Table

SIZES = (50, 200, 1000, 10_000)
CAPS = {50: 1500, 200: 700, 1000: 300, 10_000: 60}
NULLS = 20_000
"""Windows without drift that a peer's equal threshold is made of, and then its tail."""
TAIL = 0.01
POWER = 400
STATISTICS: dict[str, Statistic] = {
    "PSI": peers.psi,
    "JS": peers.jensen_shannon,
    "Wasserstein": peers.wasserstein,
    "KS": peers.kolmogorov_smirnov,
    "chi2": peers.chi_squared,
}
EQUAL_SIZES = (200, 1000)
EQUAL = ("mean 0.1 sd", "mean 0.2 sd", "mean 0.5 sd", "scale x 1.2", "3 categories, mix 5 %",
         "20 categories, mix 5 %")  # fmt: skip


def run(settings: Settings) -> None:
    """Ours to the alarm, the peers by the share of windows that alarm."""
    found: dict[str, dict[str, list[Delay]]] = {}
    for rows in SIZES:
        for gate in (0.0, 0.05):
            name = f"{rows:,} rows, min_effect {gate:g}"
            for shift in SHIFTS if settings.wanted(name) else ():
                work = partial(_one, shift, Traffic("", rows, min_effect=gate), CAPS[rows])
                each = [one for one in settings.each(work, range(settings.repetitions)) if one]
                found.setdefault(shift, {})[name] = each
                print(name, shift, _cell(each, CAPS[rows]), flush=True)
    own = _own(settings) if settings.wanted("peers") else {}
    equal = _equal(settings) if settings.wanted("equal") else {}
    _report(settings, found, own, equal)


def _one(shift: str, traffic: Traffic, cap: int, seed: int) -> Delay | None:
    return delay(shift, traffic, seed, cap)


def _cell(delays: Sequence[Delay], cap: int) -> str:
    """The mean in windows; those not found count as the cap, and are said."""
    if not delays:
        return "–"
    mean = np.mean([one.windows or cap for one in delays])
    missed = sum(one.windows is None for one in delays)
    return f"{mean:.3g}" + (f" ({missed} of {len(delays)} not in {cap})" if missed else "")


def _changed(shift: str) -> tuple[Source, Source]:
    name, after = SHIFTS[shift]
    return dict(COLUMNS)[name], after


def _own(settings: Settings) -> dict[str, dict[str, dict[int, float]]]:
    """Power a window of each rule at its own setting, by change, rule and rows."""
    power: dict[str, dict[str, dict[int, float]]] = {}
    tasks = [(shift, rows) for shift in SHIFTS for rows in SIZES]
    windows = min(settings.peer_windows, 200)
    for (shift, rows), each in zip(
        tasks, settings.each(partial(_powers, windows), tasks), strict=True
    ):
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


def _equal(settings: Settings) -> dict[str, dict[int, tuple[str, float]]]:
    """The best peer's delay where all may raise one false alarm in 30 days: its name and delay."""
    best: dict[str, dict[int, tuple[str, float]]] = {}
    tasks = [(shift, rows) for shift in EQUAL for rows in EQUAL_SIZES]
    for (shift, rows), each in zip(tasks, settings.each(_equal_power, tasks), strict=True):
        name = max(each, key=lambda one: each[one])
        best.setdefault(shift, {})[rows] = (name, 1 / each[name] if each[name] else np.inf)
        print(shift, rows, best[shift][rows], flush=True)
    return best


def _equal_power(task: tuple[str, int]) -> dict[str, float]:
    """Power of each statistic at the threshold that 20 columns exceed once in 8,640 windows."""
    shift, rows = task
    before, after = _changed(shift)
    rng = np.random.default_rng([rows, len(shift), 9])
    codes: dict[str, int] | None = {} if isinstance(before, Names) else None
    reference = Rows.of(before.rows(rng, REFERENCE), codes)
    slow = {"KS", "Wasserstein"} if codes is not None else {"chi2"}
    found = {}
    for name, statistic in STATISTICS.items():
        if name in slow:
            continue
        windows = NULLS // 10 if name in ("KS", "Wasserstein") else NULLS // 4
        nulls = _scored(statistic, reference, before, rng, rows, codes, windows)
        limit = _tail(nulls, 1 / (WINDOWS * len(COLUMNS)))
        moved = _scored(statistic, reference, after, rng, rows, codes, POWER)
        found[name] = float((moved > limit).mean())
    return found


def _scored(
    statistic: Statistic, reference: Rows, source: Source, rng: np.random.Generator, rows: int,
    codes: dict[str, int] | None, windows: int,
) -> Array:  # fmt: skip
    drawn = (Rows.of(source.rows(rng, rows), codes) for _ in range(windows))
    scores = np.array([statistic(reference, window) for window in drawn])
    if statistic in (peers.kolmogorov_smirnov, peers.chi_squared):
        scores = -np.log10(np.maximum(1 - scores, 1e-300))
    return scores


def _tail(scores: Array, level: float) -> float:
    """The score that is exceeded with this probability: a generalised Pareto tail."""
    start = float(np.quantile(scores, 1 - TAIL))
    beyond = scores[scores > start] - start
    if len(beyond) < 10 or beyond.max() <= 0:
        return float(scores.max())
    shape, _, scale = stats.genpareto.fit(beyond, floc=0)
    return start + float(stats.genpareto.ppf(1 - level / TAIL, min(shape, 0.5), 0, scale))


def _report(
    settings: Settings,
    found: dict[str, dict[str, list[Delay]]],
    own: dict[str, dict[str, dict[int, float]]],
    equal: dict[str, dict[int, tuple[str, float]]],
) -> None:
    tables = []
    columns = list(dict.fromkeys(name for each in found.values() for name in each))
    if found:
        rows = []
        for shift, each in found.items():
            cells = [
                _cell(each[name], CAPS[_rows(name)]) if name in each else "–" for name in columns
            ]
            named = [one.named for all_ in each.values() for one in all_ if one.windows]
            rows.append([shift, *cells, f"{np.mean(named):.1%}" if named else "–"])
        tables.append(
            Table(
                "Outrider: mean windows from the change to the alarm",
                ["one of 20 columns changes", *columns, "right column named"],
                rows,
                [f"{settings.repetitions} repetitions, each with a reference drawn anew of "
                 f"{REFERENCE:,} rows; 128 quiet windows first; one false alarm in 30 days."],
            )
        )  # fmt: skip
    if equal:
        tables.append(
            Table(
                "The best peer where it too may raise one false alarm in 30 days",
                ["", *(f"{rows:,} rows" for rows in EQUAL_SIZES)],
                [
                    [shift, *(f"{each[r][1]:.3g} ({each[r][0]})" for r in EQUAL_SIZES)]
                    for shift, each in equal.items()
                ],
                ["Its threshold is raised until 20 columns exceed it once in 8,640 windows "
                 "(simulated windows and a generalised Pareto tail, so an estimate); the delay is "
                 f"1 / power over {POWER} windows; the best is chosen with hindsight."],
            )
        )  # fmt: skip
    if own:
        rules = next(iter(own.values()))
        tables.append(
            Table(
                "Peers at their own settings: share of windows that alarm after the change",
                ["", *(f"{rule}, {n:,}" for rule in rules for n in EQUAL_SIZES)],
                [
                    [shift, *(f"{share[n]:.0%}" for share in each.values() for n in EQUAL_SIZES)]
                    for shift, each in own.items()
                ],
                ["What false alarms they raise at these settings: drift-false-alarms.md."],
            )
        )  # fmt: skip
    data = {
        "ours": {s: {n: [asdict(d) for d in ds] for n, ds in e.items()} for s, e in found.items()},
        "own": own,
        "equal": equal,
    }
    bars: dict[str, list[float]] = {}
    for shift, each in equal.items():
        name = "200 rows, min_effect 0"
        if 200 in each and name in found.get(shift, {}):
            ours = [one.windows or CAPS[200] for one in found[shift][name]]
            bars[f"Outrider: {shift}"] = [float(np.mean(ours))]
            bars[f"{each[200][0]}: {shift}"] = [min(each[200][1], 1e5)]
    charts = [
        Bars("Windows of 200 rows to the alarm, at equal false alarms", "windows", bars, log=True)
    ]
    settings.write("delay", "How soon a change is found", tables, data, charts if bars else [])


def _rows(name: str) -> int:
    return int(name.split(" ")[0].replace(",", ""))
