"""The rows that the demo sends: the data set's own, and the same ones after the shift.

Rule: no row is invented. Traffic is drawn, with replacement, from the 178 wines that the model
was trained on; the shift then changes what a real fault would change. Three of the thirteen
columns are read by one instrument, a photometer: its lamp was replaced and nobody calibrated it.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Row = dict[str, float]

SHIFT = {
    "color_intensity": 2.0,
    "hue": 0.65,
    "od280/od315_of_diluted_wines": 0.7,
}
"""Column: the factor by which the instrument now reads it too high or too low."""
SHIFT_STORY = "the photometer got a new lamp, and nobody calibrated it"
SHIFT_SAID = ", ".join(f"{name} ×{factor:g}" for name, factor in SHIFT.items())


def load() -> list[Row]:
    """The training rows, as named columns."""
    from sklearn.datasets import load_wine

    wine = load_wine()
    return [dict(zip(wine.feature_names, map(float, row), strict=True)) for row in wine.data]


def write_csv(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """The rows as a file with a header line, such as `outrider profile build` reads."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def shifted(row: Row) -> Row:
    """The same wine, measured by the instrument that lost its calibration."""
    return {name: round(value * SHIFT.get(name, 1.0), 4) for name, value in row.items()}


def draw(rows: list[Row], seed: int) -> Iterator[Row]:
    """Rows without end, each as likely as any other; the same ones for the same seed."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(rows)
