"""What a chart knew, as plain values: how evidence outlives the observer.

Rule: exact. A chart that was saved and loaded gives the same verdicts as one that went on; what
does not fit the chart it is loaded into is a ValueError, and then that chart is to be thrown away.

Counts are kept in as few bytes as the greatest of them needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from agent.drift.engine.chart import Alarm, Chart, Look
from agent.drift.engine.clusters import Clusters
from agent.drift.engine.spans import KEPT, LEVELS, Blocks
from agent.drift.reference.profile import SideName
from agent.drift.reference.sketch import Floats, Ints

Array = tuple[str, tuple[int, ...], bytes]
"""An array's dtype, shape and little-endian bytes."""


class SavedBlocks(Struct, array_like=True):
    """The blocks of one size."""

    counts: Array
    extra: Array
    began: list[float]
    seconds: list[float]
    head: int
    seen: int


class SavedClusters(Struct, array_like=True):
    """See `clusters.Clusters`."""

    last: Array
    last_rows: Array
    squares: Array
    fourths: Array
    sums: tuple[float, float, float]


class SavedLook(Struct, array_like=True):
    """See `chart.Look`."""

    score: Array
    z: Array
    threshold: Array
    effect: Array
    rows: Array
    began: float


class SavedChart(Struct):
    """See `chart.Chart`."""

    windows: int
    ended: float
    alarms: list[Alarm | None]
    known: Array
    fresh_since: list[float]
    looks: list[SavedLook | None]
    blocks: list[SavedBlocks]
    clusters: dict[SideName, SavedClusters]


def saved(chart: Chart) -> SavedChart:
    """Everything that the chart's next verdicts depend on beside its reference."""
    return SavedChart(
        chart.windows,
        chart.ended,
        list(chart.alarms),
        packed_array(chart.known),
        list(chart.fresh_since),
        [_saved_look(look) for look in chart.looks],
        [
            SavedBlocks(
                packed_array(blocks.counts),
                packed_array(blocks.extra),
                [*blocks.began],
                [*blocks.seconds],
                blocks.head,
                blocks.seen,
            )
            for blocks in chart.spans.blocks
        ],
        {side: _saved_clusters(clusters) for side, clusters in chart.requests.clusters.items()},
    )


def load(chart: Chart, from_: SavedChart) -> None:
    """Makes a new chart one that knows all this. Raises ValueError."""
    columns = len(chart.columns)
    for name, found, wanted in (
        ("alarms", len(from_.alarms), columns),
        ("fresh_since", len(from_.fresh_since), columns),
        ("looks", len(from_.looks), LEVELS),
    ):
        _check(name, found, wanted)
    if len(from_.blocks) > LEVELS - 2:
        raise ValueError(f"{len(from_.blocks)} sizes of blocks")
    for column, alarm in enumerate(from_.alarms):
        if alarm is not None and not (
            0 <= alarm.score < len(chart.scores[column].labels) and 0 <= alarm.level < LEVELS
        ):
            raise ValueError(f"an alarm of a test that there is not: {alarm}")
    chart.windows = chart.spans.windows = from_.windows
    chart.ended = from_.ended
    chart.alarms = list(from_.alarms)
    chart.known = unpacked_array(from_.known, (columns,), bool)
    chart.fresh_since = list(from_.fresh_since)
    chart.looks = [_look(look, chart) for look in from_.looks]
    chart.spans.blocks = [_blocks(one, chart.spans.new_blocks()) for one in from_.blocks]
    for side, one in from_.clusters.items():
        _load_clusters(chart.requests.of(side), one)
    chart.requests.update()


def _check(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise ValueError(f"{name} of {found}, where there are {wanted}")


def _saved_clusters(clusters: Clusters) -> SavedClusters:
    return SavedClusters(
        packed_array(clusters.last),
        packed_array(clusters.last_rows),
        packed_array(clusters.squares),
        packed_array(clusters.fourths),
        (clusters.weight, clusters.weight2, clusters.expected),
    )


def _load_clusters(clusters: Clusters, saved: SavedClusters) -> None:
    for name in ("last", "last_rows", "squares", "fourths"):
        shape = getattr(clusters, name).shape
        setattr(clusters, name, unpacked_array(getattr(saved, name), shape, np.float64))
    clusters.weight, clusters.weight2, clusters.expected = saved.sums


def _saved_look(look: Look | None) -> SavedLook | None:
    if look is None:
        return None
    return SavedLook(
        packed_array(look.score),
        packed_array(look.z),
        packed_array(look.threshold),
        packed_array(look.effect),
        packed_array(look.rows),
        look.began,
    )


def _look(saved: SavedLook | None, chart: Chart) -> Look | None:
    if saved is None:
        return None
    shape = (len(chart.columns),)
    score = unpacked_array(saved.score, shape, np.int64)
    tests = [len(scores.labels) for scores in chart.scores]
    if (score < 0).any() or (score >= tests).any():
        raise ValueError("a look at a test that there is not")
    return Look(
        score,
        unpacked_array(saved.z, shape, np.float64),
        unpacked_array(saved.threshold, shape, np.float64),
        unpacked_array(saved.effect, shape, np.float64),
        unpacked_array(saved.rows, shape, np.int64),
        saved.began,
    )


def _blocks(saved: SavedBlocks, blocks: Blocks) -> Blocks:
    _check("began", len(saved.began), KEPT)
    _check("seconds", len(saved.seconds), KEPT)
    if not 0 <= saved.head < KEPT or saved.seen < 0:
        raise ValueError("blocks out of place")
    blocks.counts[:] = unpacked_array(saved.counts, blocks.counts.shape, blocks.counts.dtype)
    blocks.extra[:] = unpacked_array(saved.extra, blocks.extra.shape, np.int64)
    blocks.began, blocks.seconds = list(saved.began), list(saved.seconds)
    blocks.head, blocks.seen = saved.head, saved.seen
    return blocks


def packed_array(array: Ints | Floats | Any) -> Array:
    """Exactly; whole numbers, none below 0, in as few bytes as the greatest needs."""
    if array.dtype.kind in "iu":
        array = array.astype(np.min_scalar_type(int(array.max(initial=0))))
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return little.dtype.str, array.shape, little.tobytes()


def unpacked_array(packed: Array, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of this shape, as this type. Raises ValueError."""
    name, found, raw = packed
    if tuple(found) != tuple(shape):
        raise ValueError(f"an array of {found}, where {shape} is wanted")
    if name not in ("|b1", "|u1", "<u2", "<u4", "<u8", "<f4", "<f8"):
        raise ValueError(f"an array of {name}")
    return np.frombuffer(raw, dtype=name).reshape(shape).astype(dtype)
