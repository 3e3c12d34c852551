"""All models' drift: takes payloads, keeps time, and says where things stand.

Rule: each version of a model is watched by itself, by its own reference, windows and verdicts. It
is bounded whatever names come in (`traffic.versions`): payloads of further ones are counted and
left.

Not thread-safe: one loop adds, ticks and asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.decode.payload import Payload
from agent.drift.admission import Admission
from agent.drift.deciding import Deciding
from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile
from agent.drift.settings import Settings
from agent.drift.state.kept import Kept
from agent.drift.state.orders import Order
from agent.drift.state.sources import References, Refusal, Sources
from agent.drift.state.state import Store
from agent.drift.status import status_of
from agent.drift.traffic.change import Change
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.strange import Strangers
from agent.drift.traffic.unseen import Reason
from agent.drift.traffic.versions import Versions


class Monitor:
    """Drift of every model that passes by."""

    def __init__(
        self,
        settings: Settings,
        references: References | None = None,
        *,
        state_dir: Path | None = None,
        lasting: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`state_dir`: where what outlives this process is kept; None: in memory.

        `lasting`: whether it outlives Outrider itself.

        `clock`: seconds since the epoch.
        """
        store, learns = Store(state_dir), settings.learn_rows is not None
        self._versions = versions = Versions()
        self._sources = sources = Sources(references or References(), store, learns=learns)
        self._kept = kept = Kept(store, is_lasting=lasting)
        self._clock = clock
        self._admission = Admission(versions, settings, sources, store, kept, clock)
        self._deciding = Deciding(versions, self._admission, sources, kept, clock)
        self._strangers = Strangers()
        self.settings = settings
        self.models = versions.watched
        """By model and version."""
        self._latest = versions.latest

    @property
    def last_error(self) -> str:
        """Why something that is to be kept is in memory only; empty if all is kept."""
        return self._kept.last_error

    @property
    def refused(self) -> list[Refusal]:
        """References that are not used."""
        return self._sources.refused

    @property
    def set_aside(self) -> list[Refusal]:
        """Kept decisions and evidence that are not used."""
        return self._admission.set_aside

    @property
    def rows_unseen(self) -> int:
        """Rows of models beyond the bounds."""
        return self._admission.rows_unseen

    @property
    def rows_of_further_versions(self) -> Mapping[str, int]:
        """Rows of versions beyond the bounds, by model."""
        return self._versions.rows_left

    def add(self, payload: Payload) -> bool:
        """Appends a payload's rows; counts and judges when enough have come.

        Says whether its first request may become an example of a column that drifts.
        """
        model = self.models.get((payload.model, payload.version)) or self._admission.place(payload)
        if model is None:
            return False
        model.came = True
        self._latest[payload.model] = model
        if model.add(payload) and model.complete(self._clock()):
            self._kept.reference(model)
        took, model.reservoir.took = model.reservoir.took, False
        return took

    def miss(self, model: str, reason: Reason, rows: int = 1, version: str = "") -> None:
        """Rows that a model scored and no sketch saw; of an unknown model they are not counted.

        Of an unknown version they count as of the one seen last: over time, each one's share.
        """
        watch = self.models.get((model, version)) or self._latest.get(model)
        if watch is not None:
            watch.miss(reason, rows)

    def expected(self, model: str, version: str) -> Profile | None:
        """The reference that rows of it are judged by, or will be; None if one is to be learned."""
        watch = self.models.get((model, version))
        if watch is None:
            return self._admission.expected(Name(model, version))
        return watch.reference

    def strange(self, payload: Payload) -> Sequence[tuple[str, str]]:
        """Inputs of its first row that are like nothing in the reference, and how."""
        key = payload.model, payload.version
        model = self.models.get(key)
        return self._strangers.look(key, model.reference, payload.inputs) if model else ()

    def now(self) -> float:
        """Seconds since the epoch, by the clock that windows are judged by."""
        return self._clock()

    def tick(self, now: float | None = None) -> None:
        """Counts what is buffered and judges windows whose time is over; call it each second."""
        at = self._clock() if now is None else now
        for model in self._versions.tick(at):
            self._admission.put_away(model)
        for model in self.models.values():
            if model.tick(at):
                self._admission.keep_period(model)

    def take_changes(self) -> list[Change]:
        """The verdicts that changed since the last call, for the log."""
        changes: list[Change] = []
        for model in self.models.values():
            changes += model.changes
            model.changes = []
        return changes

    def take_notes(self) -> list[str]:
        """What else there is to say since the last call, for the log."""
        notes, self._admission.notes = self._admission.notes, []
        for model in self.models.values():
            notes += model.notes
            model.notes = []
        return notes

    def status(self) -> dict[str, object]:
        """For `/api/v1/drift`: plain values, ready for JSON."""
        now = self.now()
        return {
            "models": [status_of(model, now) for model in self.models.values()],
            "refused": [refusal._asdict() for refusal in self.refused],
            "rows_unseen": self.rows_unseen,
            "rows_of_further_versions": dict(self.rows_of_further_versions),
            "set_aside": [refusal._asdict() for refusal in self.set_aside],
            "learned_references": {"kept_in": self._kept.where(), "error": self.last_error},
        }

    def model(self, name: str | None, version: str | None = None) -> ModelWatch:
        """The one of this name and version, or the only one there is. Raises OrderError."""
        return self._deciding.known(name, version)

    # ---- what people decide

    def acknowledge(self, order: Order) -> dict[str, Any]:
        """Carries it out and keeps it; what it was done to. Raises OrderError."""
        return self._deciding.acknowledge(order)

    def reference(self, name: str | None, version: str | None = None) -> Profile:
        """What it is judged by; None: of the only model, of its only version. Raises OrderError."""
        return self._deciding.reference(name, version)

    def publish(
        self, name: str | None, raw: bytes, by: str = "", note: str = "", version: str | None = None
    ) -> dict[str, Any]:
        """Judges by the profile in `raw` from now on; see `Deciding`. Raises OrderError."""
        return self._deciding.publish(name, version, raw, by, note)

    # ---- what is kept

    def unsaved(self, *, at_end: bool = False) -> list[tuple[Path, bytes]]:
        """Files of what is newer than what was given last, for `save`; `at_end`: of all that is."""
        return self._admission.unsaved(at_end=at_end)

    def save(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Writes them; may be called in another thread."""
        self._kept.evidence(files)
