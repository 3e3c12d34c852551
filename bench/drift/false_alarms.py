"""Months of traffic that does not drift: how many alarms are raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from bench.chart import Bars
from bench.drift.data import COLUMNS, Names
from bench.drift.ours import MONTH, REFERENCE, WINDOWS, Outcome, Traffic, quiet
from bench.drift.peers import RULES, SMALL, NannyML, Rows
from bench.drift.settings import Settings, upper
from bench.report import Table

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
    Traffic("5,000 rows a second", 1000, seconds=BUSY),
    Traffic(
        "5,000 rows a second, 1 alarm allowed per 29 minutes", 1000, seconds=BUSY,
        allowed=1 / (WINDOWS * BUSY),
    ),
    Traffic(f"{FLEET} sidecars, replicas: {FLEET}", 1000, replicas=FLEET),
)  # fmt: skip
PLAIN = {one.name for one in TRAFFIC[: len(SIZES)]}
"""Of which there are as many sequences as asked for; of the others a quarter."""
PEER_SIZES = SIZES


def run(settings: Settings) -> None:
    """Ours over months, the peers over some hundred windows, where that is plenty."""
    found: dict[str, list[Outcome]] = {}
    for traffic in TRAFFIC:
        if settings.wanted(traffic.name):
            work = partial(quiet, traffic)
            count = settings.sequences if traffic.name in PLAIN else settings.sequences // 4
            found[traffic.name] = list(settings.each(work, range(max(1, count))))
            print(_row(traffic, found[traffic.name]), flush=True)
    others = _peers(settings) if settings.wanted("peers") else {}
    _report(settings, found, others)


def _row(traffic: Traffic, outcomes: Sequence[Outcome]) -> list[str]:
    alarms = sum(one.alarms for one in outcomes)
    allowed = sum(one.seconds for one in outcomes) * traffic.allowed / traffic.replicas
    windows = sum(one.windows for one in outcomes)
    in_alarm = sum(one.in_alarm for one in outcomes)
    return [
        traffic.name,
        f"{allowed:.4g}",
        str(alarms),
        f"{alarms / allowed:.2f}",
        f"{upper(alarms) / allowed:.2f}",
        f"{in_alarm / windows:.4%}",
        str(sum(1 for one in outcomes if one.alarms)),
    ]


def _peers(settings: Settings) -> dict[str, dict[int, float]]:
    """Share of windows in which any of the 20 columns alarms, by rule and rows."""
    shares: dict[str, dict[int, float]] = {}
    for rows in PEER_SIZES:
        work = partial(_peer_windows, rows)
        batches = list(settings.each(work, range(max(1, settings.peer_windows // 10))))
        for rule in batches[0]:
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
    settings: Settings,
    found: dict[str, list[Outcome]],
    others: dict[str, dict[int, float]],
) -> None:
    traffic = {one.name: one for one in TRAFFIC}
    ours = Table(
        "Outrider, one false alarm in 30 days allowed",
        ["20 columns, no drift", "allowed", "raised", "raised / allowed", "95 % upper bound",
         "windows in alarm", "sequences with any"],
        [_row(traffic[name], outcomes) for name, outcomes in found.items()],
        [
            f"{settings.sequences} sequences of {WINDOWS:,} windows in the first {len(SIZES)} "
            "rows, a quarter of that in the others, each with a reference drawn "
            f"anew, of {REFERENCE:,} rows unless said; windows of 300 s unless said; min_effect 0 "
            "unless said. Counts are drawn from the exact probability of each bin. An alarm is a "
            "column that goes from stable to drift; one that clears and returns counts again.",
            "allowed: the budget of the time simulated. The bound is Poisson's.",
        ],
    )  # fmt: skip
    tables = [ours]
    if others:
        tables.append(
            Table(
                "Other rules: windows in which any of the 20 columns alarms",
                ["", *(f"{rows:,} rows" for rows in PEER_SIZES)],
                [
                    [rule, *(f"{each[rows]:.1%}" for rows in PEER_SIZES)]
                    for rule, each in others.items()
                ],
                [f"{settings.peer_windows} windows each. A month has {WINDOWS:,} windows."],
            )
        )
    rows = 1000
    bars = {rule: [each[rows] * WINDOWS or 0.01] for rule, each in others.items()}
    name = f"{rows:,} rows a window"
    if name in found:
        outcomes = found[name]
        months = sum(one.seconds for one in outcomes) / MONTH
        raised = sum(one.alarms for one in outcomes)
        bars = {"Outrider": [max(raised / months, 0.01)], **bars}
    chart = Bars("False alarms a month, 1,000 rows a window", "windows that alarm", bars, log=True)
    data = {
        "ours": {name: [asdict(one) for one in each] for name, each in found.items()},
        "peers": others,
    }
    settings.write(
        "false-alarms", "How many alarms traffic without drift raises", tables, data, [chart]
    )
