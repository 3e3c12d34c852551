"""Months of traffic that does not drift: how many alarms are raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.chart import Lines
from bench.drift.data import COLUMNS, Names
from bench.drift.ours import MONTH, REFERENCE, WINDOWS, Outcome, Traffic, quiet
from bench.drift.peers import RULES, SMALL, NannyML, Rows
from bench.drift.requests import EFFECT, LEARNED, REQUESTS, Requests, in_requests, learned
from bench.drift.settings import GROUP, Settings, clustered_upper
from bench.report import Table

Work = Callable[[Sequence[int]], list[Outcome]]
Found = dict[str, Any]
"""An Outcome, as plain data."""
SIZES = (50, 200, 1000, 10_000)
FLEET = 50
BUSY = 0.2
"""Seconds in which 1,000 rows come, at 5,000 a second."""

TRAFFIC = (
    *(Traffic(f"{n:,} rows a window", n) for n in SIZES),
    Traffic("1,000 rows, min_effect 0.05", 1000, min_effect=0.05),
    Traffic("1,000 rows, reference of 1,000", 1000, reference=1000),
    Traffic("1,000 rows, 5 columns 4 times each", 1000, copies=4),
    Traffic("1,000 rows on average, uneven thirtyfold", 1000, uneven=0.85),
    Traffic("1,000 rows a window, in uneven times", 1000, uneven_seconds=1.0),
    Traffic("1 row a second", 300),
    Traffic("50 rows a second", 1000, seconds=20.0),
    Traffic(
        "5,000 rows a second, 1 alarm allowed per 29 minutes", 1000, seconds=BUSY,
        allowed=1 / (WINDOWS * BUSY),
    ),
    Traffic(f"{FLEET} sidecars, replicas: {FLEET}", 1000, replicas=FLEET),
)  # fmt: skip
LEARNED_TRAFFIC = Traffic(f"1,000 rows, learned from the first {LEARNED:,}", 1000, LEARNED)
TRIVIAL = (
    Traffic("min_effect 0.1, no shift", 1000, min_effect=0.1),
    Traffic("min_effect 0.1, 4 columns moved by 0.03 sd", 1000, min_effect=0.1, moved=0.03),
)
"""A shift that does not matter; half a month of each."""
PLAIN = {one.name for one in TRAFFIC[: len(SIZES)]}
"""Of which there are as many sequences as asked for; of the others a third."""
PART = "false-alarms"


def _scenarios() -> dict[str, tuple[Traffic | Requests, Work]]:
    found: dict[str, tuple[Traffic | Requests, Work]] = {
        one.name: (one, partial(quiet, one)) for one in TRAFFIC
    }
    found[LEARNED_TRAFFIC.name] = LEARNED_TRAFFIC, partial(learned, LEARNED_TRAFFIC)
    for kind in REQUESTS:
        found[kind.name] = kind, partial(in_requests, kind)
    for one in TRIVIAL:
        found[one.name] = one, partial(quiet, one, windows=WINDOWS // 2)
    return found


def run(settings: Settings) -> None:
    """Ours over months, the peers over some hundred windows, where that is plenty."""
    ours: dict[str, list[Found]] = {}
    for name, (traffic, work) in _scenarios().items():
        if settings.wanted(name):
            replicas = traffic.replicas if isinstance(traffic, Traffic) else 1
            count = settings.sequences if name in PLAIN else settings.sequences // 3
            count = -(-count // 2) if replicas > 1 else count
            group = 1 if replicas > 1 else GROUP
            found = settings.sequences_of(PART, name, max(1, count), work, group)
            if found:
                ours[name] = found
                print(_row(name, traffic, found), flush=True)
    others = _peers(settings) if settings.wanted("peers") else {}
    _report(settings, ours, others)


def months(traffic: Traffic | Requests, found: Sequence[Found]) -> float:
    """What may be raised in the time simulated."""
    allowed = traffic.allowed if isinstance(traffic, Traffic) else 1 / MONTH
    return sum(one["seconds"] for one in found) * allowed


def _row(name: str, traffic: Traffic | Requests, found: Sequence[Found]) -> list[str]:
    alarms = sum(one["alarms"] for one in found)
    allowed = months(traffic, found)
    in_alarm = sum(one["in_alarm"] for one in found) / sum(one["windows"] for one in found)
    return [
        name,
        str(len(found)),
        f"{allowed:.4g}",
        str(alarms),
        f"{alarms / allowed:.2f}",
        f"{clustered_upper([one['alarms'] for one in found]) / allowed:.2f}",
        f"{in_alarm:.3%}",
        str(sum(1 for one in found if one["alarms"])),
    ]


def _peers(settings: Settings) -> dict[str, dict[int, float]]:
    """Share of windows in which any of the 20 columns alarms, by rule and rows."""
    shares: dict[str, dict[int, float]] = {}
    for rows in SIZES:
        seeds = range(max(1, settings.peer_windows // 10))
        tasks = {f"peers, {rows:,} rows: {seed}": seed for seed in seeds}
        batches = [one for _, one in settings.each(PART, tasks, partial(_peer_windows, rows))]
        for rule in batches[0] if batches else ():
            hits = [hit for batch in batches for hit in batch[rule]]
            shares.setdefault(rule, {})[rows] = float(np.mean(hits))
        print(rows, {rule: each[rows] for rule, each in shares.items()}, flush=True)
    return shares


def _peer_windows(rows: int, seed: int) -> dict[str, list[bool]]:
    """Ten windows against one reference."""
    rng = np.random.default_rng([seed, rows, 3])
    known: list[dict[str, int] | None] = [
        {} if isinstance(source, Names) else None for _, source in COLUMNS
    ]
    sources = [source for _, source in COLUMNS]
    whole = [Rows.of(s.rows(rng, REFERENCE), k) for s, k in zip(sources, known, strict=True)]
    small = [Rows.of(s.rows(rng, 1000), k) for s, k in zip(sources, known, strict=True)]
    limits = [NannyML.of(each, rows) for each in whole]
    hits: dict[str, list[bool]] = {rule.name: [] for rule in (*RULES, SMALL)}
    hits["NannyML"] = []
    for _ in range(10):
        window = [Rows.of(s.rows(rng, rows), k) for s, k in zip(sources, known, strict=True)]
        for rule in RULES:
            pairs = zip(whole, window, strict=True)
            hits[rule.name].append(any(rule.alarms(r, w) for r, w in pairs))
        pairs = zip(small, window, strict=True)
        hits[SMALL.name].append(any(SMALL.alarms(r, w) for r, w in pairs))
        judged = zip(limits, window, strict=True)
        hits["NannyML"].append(any(limit.alarms(w) for limit, w in judged))
    return hits


def _report(
    settings: Settings, found: dict[str, list[Found]], others: dict[str, dict[int, float]]
) -> None:
    scenarios = _scenarios()
    ours = Table(
        "Outrider, one false alarm in 30 days allowed",
        ["20 columns, no drift", "sequences", "allowed", "raised", "raised / allowed",
         "95 % upper bound", "windows in alarm", "sequences with any"],
        [_row(name, scenarios[name][0], each) for name, each in found.items()],
        [
            f"Sequences of {WINDOWS:,} windows, half of that for those of min_effect 0.1, each "
            f"with a reference drawn anew, of {REFERENCE:,} rows unless said; windows of 300 s "
            "unless said; min_effect 0 unless said. Counts are drawn from the exact probability "
            "of each bin. An alarm is a column that goes from stable to drift; one that clears "
            "and returns counts again.",
            "allowed: the budget of the time simulated. The bound is Poisson's of the sequences "
            "with any alarm, times the mean of their alarms: those of a reference go together.",
            f"{FLEET} sidecars: one reference, windows of their own; a sequence is all of them.",
            f"Requests: two rows of one correlate by about {EFFECT**2 / (1 + EFFECT**2):.2f}.",
        ],
    )  # fmt: skip
    tables = [ours]
    if others:
        tables.append(
            Table(
                "Other rules: windows in which any of the 20 columns alarms",
                ["", *(f"{rows:,} rows" for rows in SIZES)],
                [[rule, *(f"{each[rows]:.1%}" for rows in SIZES)] for rule, each in others.items()],
                [f"{settings.peer_windows} windows each. A month has {WINDOWS:,} windows."],
            )
        )
    data = {"ours": found, "peers": others}
    settings.write(
        PART, "How many alarms traffic without drift raises", tables, data,
        [_chart(found, others)],
    )  # fmt: skip


def _chart(found: dict[str, list[Found]], others: dict[str, dict[int, float]]) -> Lines:
    """Windows a month that alarm; of a rule that never did in so few windows nothing is drawn."""
    lines: dict[str, list[tuple[float, list[float]]]] = {}
    for rows in SIZES:
        each = found.get(f"{rows:,} rows a window")
        if each:
            raised = max(1, sum(one["alarms"] for one in each))
            lines.setdefault("Outrider", []).append((rows, [raised / months(TRAFFIC[0], each)]))
    for rule, shares in others.items():
        points = [(float(n), [share * WINDOWS]) for n, share in shares.items() if share]
        if points:
            lines[rule] = points
    return Lines("False alarms a month: 20 columns, no drift", "rows a window", "alarms a month",
                 lines, log=True)  # fmt: skip
