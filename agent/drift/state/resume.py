"""A model's evidence as it is kept, and how a model goes on from it.

Rule: exact or not at all: evidence of another reference, of other windows or of another version is
refused with the reason, and the model begins afresh. The window in progress is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from agent.drift.engine.chart import Chart
from agent.drift.engine.previous import Looked
from agent.drift.engine.verdict import State, classic, verdict_of
from agent.drift.reference.files import read_bounded
from agent.drift.reference.name import Name
from agent.drift.reference.profile import SideName
from agent.drift.state.saved import SavedChart, load, saved
from agent.drift.state.sealed import opened, sealed
from agent.drift.state.state import Store
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.examples import Example
from agent.drift.traffic.model import ModelWatch
from agent.drift.vectors.mean import MeanQuestions
from agent.drift.vectors.watch import mean_verdict

MAGIC = b"outrider evidence 1\n"
MAX_BYTES = 256 << 20
MAX_AGE = 30 * 86400.0
"""Seconds after which a model that was not judged is taken for gone, and its evidence removed."""


class SavedColumn(Struct):
    """See `columns.WatchedColumn`."""

    side: SideName
    name: str
    state: State
    since: float | None
    evaluated: float
    level: float
    seen: bool
    last: list[int]
    drifted: list[int]
    examples: list[Example]


class Evidence(Struct):
    """What a model's next verdicts depend on beside its reference."""

    model: str
    reference: str
    """Its hash."""
    windows_of: str
    """Which settings the windows were made by."""
    windows: int
    columns: list[SavedColumn]
    chart: SavedChart | None
    """None by the old rules."""
    derived: SavedChart | None = None
    """Of the derived columns, which come after the others in `columns`."""
    previous: Looked | None = None
    means: list[SavedChart] = []
    """Of the vectors' means, whose columns come last."""
    version: str = ""
    """Of the model; of before versions were told apart, empty."""


def evidence_of(model: ModelWatch) -> Evidence:
    """Of a model that is judged by a reference."""
    assert model.reference is not None
    columns = [_column(column) for column in model.judged if column.evaluated is not None]
    chart = saved(model.chart) if model.chart is not None else None
    derived = saved(model.derived.chart) if model.derived is not None else None
    previous = model.previous.looked if model.previous is not None else None
    means = [saved(chart) for chart in model.means.charts] if model.means is not None else []
    return Evidence(
        model.name,
        model.reference.hash,
        _windows_of(model),
        model.windows,
        columns,
        chart,
        derived,
        previous,
        means,
        model.version,
    )


def resume(model: ModelWatch, evidence: Evidence) -> None:
    """Goes on where the evidence ends. Raises ValueError, and then the model is as it was."""
    if model.reference is None or evidence.reference != model.reference.hash:
        raise ValueError("it is of another reference")
    if evidence.windows_of != _windows_of(model):
        raise ValueError(f"it is of windows of {evidence.windows_of}")
    chart = model.new_chart()
    if chart is not None and evidence.chart is not None:
        load(chart, evidence.chart)
    derived = model.derived.new_chart() if model.derived is not None else None
    if derived is not None and evidence.derived is not None:
        load(derived, evidence.derived)
    means = model.means.new_charts() if model.means is not None else []
    for mean, kept in zip(means, evidence.means, strict=bool(evidence.means)):
        load(mean, kept)
    previous = model.new_previous(chart)
    if previous is not None and evidence.previous is not None:
        previous.go_on(evidence.previous)
    found = {(one.side, one.name): one for one in evidence.columns}
    for column in model.judged:
        one = found.get(column.key())
        if one is not None and {len(one.last), len(one.drifted)} != {len(column.last)}:
            raise ValueError(f"{one.name} has {len(one.last)} counts, not {len(column.last)}")
    model.chart, model.previous = chart, previous
    model.windows = evidence.windows
    groups = [(chart, model.columns)]
    if model.derived is not None and derived is not None:
        model.derived.chart = derived
        groups.append((derived, model.derived.columns))
    if model.means is not None and evidence.means:
        model.means.charts = means
        groups += [(m, [column]) for m, column in zip(means, model.means.columns, strict=True)]
    for judge, columns in groups:
        for place, column in enumerate(columns):
            one = found.get(column.key())
            if one is not None:
                _resume_column(model, judge, column, place, one)


def _resume_column(
    model: ModelWatch, chart: Chart | None, column: WatchedColumn, place: int, one: SavedColumn
) -> None:
    column.state, column.since, column.seen = one.state, one.since, one.seen
    column.last = np.array(one.last, dtype=np.int64)
    column.drifted = np.array(one.drifted, dtype=np.int64)
    column.examples[:] = one.examples
    if chart is None:
        later = partial(classic, column.base, column.last, model.settings.rule)
    else:
        asked = mean_verdict if isinstance(chart.questions, MeanQuestions) else verdict_of
        later = partial(asked, chart, place, column.last)
    column.judged(later, one.level, one.evaluated)
    column.evaluated = one.evaluated


def _column(column: WatchedColumn) -> SavedColumn:
    assert column.evaluated is not None
    assert column.level is not None
    side, name = column.key()
    return SavedColumn(
        side,
        name,
        column.state,
        column.since,
        column.evaluated,
        column.level,
        column.seen,
        column.last.tolist(),
        column.drifted.tolist(),
        list(column.examples),
    )


def _windows_of(model: ModelWatch) -> str:
    settings = model.settings
    return f"{settings.window_rows} rows or {settings.window_seconds} s, by {settings.mode}"


class Resuming:
    """The evidence of all models: read when one begins to be watched, and kept up to date."""

    def __init__(self, store: Store, refuse: Callable[[str, Path, str], None], now: float) -> None:
        """`refuse` is told the model, the file and the reason."""
        self._store = store
        self._refuse = refuse
        self._oldest = now - MAX_AGE
        self._found: dict[Name, tuple[Path, Evidence]] = {}
        """Read at the start, and not used yet."""
        self._kept: dict[Name, tuple[str, int]] = {}

    def begin(self) -> Iterator[tuple[Name, float]]:
        """What there is evidence of, and when it was written, the newest first.

        Of each file in turn, so that no more is held than is used.
        """
        for path, written in self._store.binary_files("evidence", self._oldest):
            evidence = self._read(path)
            if evidence is not None:
                name = Name(evidence.model, evidence.version)
                self._found = {name: (path, evidence)}
                yield name, written
        self._found = {}

    def resume(self, model: ModelWatch) -> None:
        """Goes on where the model's evidence ends, if there is some that fits."""
        found = self._found.pop(model.key) if model.key in self._found else self._later(model.key)
        if found is None:
            return
        path, evidence = found
        try:
            resume(model, evidence)
        except ValueError as problem:
            self._refuse(model.name, path, f"{problem}; the model begins afresh")

    def _later(self, name: Name) -> tuple[Path, Evidence] | None:
        """Of one that was put away, and has come back."""
        path = self._store.path("evidence", name)
        evidence = self._read(path) if path is not None and path.exists() else None
        if path is None or evidence is None or (evidence.model, evidence.version) != name:
            return None
        return path, evidence

    def _read(self, path: Path) -> Evidence | None:
        try:
            return unpacked(read_bounded(path, MAX_BYTES))
        except (OSError, ValueError, RecursionError) as problem:
            self._refuse("", path, f"{problem}; the models begin afresh")
            return None

    def leave(self, name: Name) -> None:
        """It is watched no more; its file stays."""
        self._kept.pop(name, None)

    def files(self, models: Iterable[ModelWatch]) -> list[tuple[Path, bytes]]:
        """Of the models that were judged since they were last asked for."""
        made: list[tuple[Path, bytes]] = []
        for model in models:
            path = self._store.path("evidence", model.key)
            if path is None or model.reference is None or not model.windows:
                continue
            state = model.reference.hash, model.windows
            if self._kept.get(model.key) != state:
                self._kept[model.key] = state
                made.append((path, packed(evidence_of(model))))
        return made


def packed(evidence: Evidence) -> bytes:
    """As a file's bytes, with a checksum."""
    return sealed(MAGIC, msgspec.msgpack.encode(evidence))


def unpacked(raw: bytes) -> Evidence:
    """The evidence in a file's bytes. Raises ValueError."""
    return msgspec.msgpack.decode(opened(MAGIC, raw, "evidence"), type=Evidence)
