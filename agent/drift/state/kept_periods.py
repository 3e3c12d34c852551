"""The periods that are being collected, as they outlive the observer.

Rule: exact or not at all: one that is damaged, of another reference or of another version is
refused with the reason, and the period begins anew. A file is written for each hour of traffic, so
a kill loses an hour at most, of a week or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from agent.drift.engine.history import History, Slots
from agent.drift.learning.period import width_of
from agent.drift.reference.files import read_bounded
from agent.drift.reference.name import Name
from agent.drift.state.resume import MAX_AGE
from agent.drift.state.saved import Array, packed_array, unpacked_array
from agent.drift.state.sealed import opened, sealed
from agent.drift.state.state import Store
from agent.drift.traffic.collecting import MAX_BYTES, Collecting
from agent.drift.traffic.model import ModelWatch

MAGIC = b"outrider period 1\n"
MAX_FILE = 256 << 20
MAX_SLOTS = 1 << 20
EVERY = 3600.0
"""Seconds of traffic between two writes."""


class KeptPeriod(Struct):
    """See `history.Slots`."""

    reference: str
    """Hash of that on whose bins it counts."""
    slots: int
    seconds: float
    places: Array
    counts: Array


class KeptPeriods:
    """The files of all models."""

    def __init__(self, store: Store, refuse: Callable[[str, Path, str], None], now: float) -> None:
        """`refuse` is told the model, the file and the reason."""
        self._store = store
        self._refuse = refuse
        self._kept: dict[Name, tuple[str, float]] = {}
        """Of which reference, and up to what time."""
        store.binary_files("period", now - MAX_AGE)  # which removes older ones

    def resume(self, model: ModelWatch) -> None:
        """Goes on with what was kept of a model that collects, if it fits."""
        path = self._store.path("period", model.key)
        if path is None or model.collecting is None or not path.exists():
            return
        try:
            model.collecting.history = unpacked(read_bounded(path, MAX_FILE), model.collecting)
        except (OSError, ValueError) as problem:
            self._refuse(model.name, path, f"{problem}; the reference's period begins anew")

    def leave(self, name: Name) -> None:
        """It is watched no more; its file stays."""
        self._kept.pop(name, None)

    def files(self, models: Iterable[ModelWatch], at_end: bool) -> list[tuple[Path, bytes]]:
        """What is to be written by now. `at_end`: what came since the last full hour too."""
        made: list[tuple[Path, bytes]] = []
        for model in models:
            path, collecting = self._store.path("period", model.key), model.collecting
            period = collecting.history.period() if collecting is not None else None
            if path is None or collecting is None or period is None:
                continue
            reference, until = self._kept.get(model.key, ("", 0.0))
            if reference == collecting.reference.hash:
                new = period.ended - until
                if new < EVERY and not at_end:
                    continue
            self._kept[model.key] = collecting.reference.hash, period.ended
            made.append((path, packed(collecting)))
        return made

    def forget(self, model: ModelWatch) -> None:
        """Its period is over."""
        path = self._store.path("period", model.key)
        self._kept.pop(model.key, None)
        if path is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def packed(collecting: Collecting) -> bytes:
    """As a file's bytes."""
    slots = collecting.history.slots()
    kept = KeptPeriod(
        collecting.reference.hash,
        len(slots.places),
        slots.seconds,
        packed_array(slots.places),
        packed_array(slots.counts),
    )
    return sealed(MAGIC, msgspec.msgpack.encode(kept))


def unpacked(raw: bytes, collecting: Collecting) -> History:
    """The history in a file's bytes, for a model that collects. Raises ValueError."""
    kept = msgspec.msgpack.decode(opened(MAGIC, raw, "period"), type=KeptPeriod)
    if kept.reference != collecting.reference.hash:
        raise ValueError("it is of another reference")
    if not 0 <= kept.slots <= MAX_SLOTS:
        raise ValueError(f"it is of {kept.slots} slots")
    width = width_of(collecting.reference)
    slots = Slots(
        unpacked_array(kept.places, (kept.slots,), np.int64),
        unpacked_array(kept.counts, (kept.slots, width), np.uint32),
        kept.seconds,
    )
    return History.of(slots, MAX_BYTES)
