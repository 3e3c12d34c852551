"""What a window's tests cost, in time and memory, as columns grow."""

from __future__ import annotations

import time

import numpy as np

from bench.drift.data import COLUMNS, reference, truth
from bench.drift.ours import SECONDS, Traffic, draws, new_chart
from bench.drift.settings import Settings
from bench.report import Table, median, spread

SIZES = (20, 100, 500)
WINDOWS = 400
ROUNDS = 5
ROWS = 1000


def run(settings: Settings) -> None:
    """CPU ms a window, and bytes a column once a day of windows has been seen."""
    rows, kept = [], {}
    for columns in SIZES:
        times, state, fixed = _measured(columns)
        kept[columns] = {"ms": times, "state_bytes": state, "fixed_bytes": fixed}
        cells = [median(times), state / 1024, fixed / 1024, columns * (state + fixed) / 1e6]
        rows.append([str(columns), f"{cells[0]:.2f}", spread(times, 2)]
                    + [f"{cell:.1f}" for cell in cells[1:]])  # fmt: skip
    table = Table(
        "A window's tests",
        ["columns", "CPU ms a window", "least–most", "KiB state a column",
         "KiB scores a column", "MB in all"],
        rows,
        [f"Medians of {ROUNDS} rounds of {WINDOWS} windows of {ROWS:,} rows; the mix of columns is "
         "that of the other parts. State: counts of all spans reached. Targets: 1 ms at 20, 30 ms "
         "at 500, 10 KB of state a column, 20 MB at 500."],
    )  # fmt: skip
    settings.write("cost", "What judging costs", [table], kept, [])


def _measured(columns: int) -> tuple[list[float], float, float]:
    rng = np.random.default_rng(columns)
    kinds = [COLUMNS[i % len(COLUMNS)] for i in range(columns)]
    profiles = reference(rng, 5000, kinds)
    counts = draws(rng, [ROWS] * WINDOWS, truth(profiles, kinds))
    chart = new_chart(profiles, Traffic("", ROWS))
    times = []
    for turn in range(ROUNDS):
        began = time.process_time()
        for i in range(WINDOWS):
            at = (turn * WINDOWS + i) * SECONDS
            chart.push([each[i] for each in counts], at, at + SECONDS, SECONDS)
        times.append(1e3 * (time.process_time() - began) / WINDOWS)
    return times, chart.spans.bytes / columns, chart.questions.bytes / columns
