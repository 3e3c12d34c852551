"""All models' drift: takes payloads, keeps time, and says where things stand.

Rule: bounded whatever names come in: `MAX_MODELS` models, of which `MAX_LEARNING` learn at once;
payloads of further ones are counted and left.

Not thread-safe: one loop adds, ticks and asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agent.decode.payload import Payload
from agent.drift.acknowledge import carry_out
from agent.drift.change import Change
from agent.drift.decisions import Decisions, Published
from agent.drift.kept_periods import KeptPeriods
from agent.drift.model import ModelWatch
from agent.drift.orders import Order, OrderError
from agent.drift.publish import checked, fits
from agent.drift.reference import Profile
from agent.drift.resume import Resuming
from agent.drift.settings import Settings
from agent.drift.sources import References, Refusal, Sources
from agent.drift.state import StateError, Store
from agent.drift.status import status_of
from agent.drift.unseen import Reason

MAX_MODELS = 64
MAX_LEARNING = 8
"""Models that learn at once; each may hold LEARNING_CELLS values meanwhile."""


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
        self.settings = settings
        self.models: dict[str, ModelWatch] = {}
        self.set_aside: list[Refusal] = []
        """Kept decisions and evidence that are not used."""
        self.rows_unseen = 0
        """Rows of models beyond the bounds."""
        self._errors: dict[tuple[str, str], str] = {}
        """Why a kind of file of a model cannot be written."""
        self._store = Store(state_dir)
        self._sources = Sources(references or References(), self._store)
        self._lasting = lasting
        self._clock = clock
        self._resuming = Resuming(self._store, self._refuse, clock())
        self._periods = KeptPeriods(self._store, self._refuse, clock())
        for name in self._resuming.models():
            self._admit(name)

    @property
    def last_error(self) -> str:
        """Why something that is to be kept is in memory only; empty if all is kept."""
        return next(iter(self._errors.values()), "")

    @property
    def refused(self) -> list[Refusal]:
        """References that are not used."""
        return self._sources.refused

    def add(self, payload: Payload) -> None:
        """Appends a payload's rows; counts and judges when enough have come."""
        model = self.models.get(payload.model) or self._admit(payload.model)
        if model is None:
            self.rows_unseen += payload.rows
        elif model.add(payload) and model.complete(self._clock()):
            self._keep(model)

    def miss(self, name: str, reason: Reason, rows: int = 1) -> None:
        """Rows that a model scored and no sketch saw; of an unknown model they are not counted."""
        model = self.models.get(name)
        if model is not None:
            model.miss(reason, rows)

    def now(self) -> float:
        """Seconds since the epoch, by the clock that windows are judged by."""
        return self._clock()

    def tick(self, now: float | None = None) -> None:
        """Counts what is buffered and judges windows whose time is over; call it each second."""
        at = self._clock() if now is None else now
        for model in self.models.values():
            if model.tick(at):
                self._keep_period(model)

    def take_changes(self) -> list[Change]:
        """The verdicts that changed since the last call, for the log."""
        changes: list[Change] = []
        for model in self.models.values():
            changes += model.changes
            model.changes = []
        return changes

    def take_notes(self) -> list[str]:
        """What else there is to say since the last call, for the log."""
        notes: list[str] = []
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
            "set_aside": [refusal._asdict() for refusal in self.set_aside],
            "learned_references": {
                "kept_in": str((self._lasting and self._store.folder) or "memory"),
                "error": self.last_error,
            },
        }

    # ---- what people decide

    def acknowledge(self, order: Order) -> dict[str, Any]:
        """Carries it out and keeps it; what it was done to. Raises OrderError."""
        model = self._known(order.model)
        done = carry_out(model, order, self._clock())
        self._keep_decisions(model)
        return {
            "model": model.name,
            "action": order.action,
            "columns": [{"side": side, "name": name} for side, name in done],
            "reference": model.reference.hash if model.reference else None,
            "kept_in": self._kept_in(model.name),
        }

    def _kept_in(self, name: str) -> str:
        failed = {("reference", name), ("decisions", name)} & self._errors.keys()
        folder = self._store.folder if self._lasting and not failed else None
        return str(folder or "memory")

    def reference(self, name: str | None) -> Profile:
        """What the model is judged by; of the only one if no name is given. Raises OrderError."""
        model = self._known(name)
        if model.reference is None:
            remedy = model.reason or f"it is {model.phase}: there is none yet"
            raise OrderError("model", model.name, remedy, 404)
        return model.reference

    def publish(self, name: str | None, raw: bytes, by: str = "", note: str = "") -> dict[str, Any]:
        """Judges a model by the profile in `raw` from now on. Raises OrderError.

        `name`: None for the only model there is.
        """
        if name is None:
            name = self._known(None).name
        profile = checked(raw, name)
        model = self.models.get(name) or self._admit(name)
        if model is None:
            raise OrderError("model", name, f"{MAX_MODELS} models are watched already", 409)
        fits(profile, model)
        now = self._clock()
        configured = self._sources.configured(name)[0]
        before = configured.hash if configured else ""
        model.decisions = Decisions(
            model=name,
            published=Published(now, by, note, profile.hash, before),
            mutes=model.decisions.mutes,
        )
        model.watch(profile, now, "published")
        self._keep(model)
        self._keep_decisions(model)
        return {
            "model": name,
            "hash": profile.hash,
            "reference": profile.short_hash,
            "rows": profile.rows,
            "columns": len(profile.columns),
            "kept_in": self._kept_in(name),
        }

    def _known(self, name: str | None) -> ModelWatch:
        names = list(self.models)
        if name is None and len(names) == 1:
            return self.models[names[0]]
        if name is None or name not in self.models:
            known = ", ".join(map(repr, names[:20])) or "none: no traffic has come yet"
            raise OrderError("model", name, f"known are: {known}", 404 if name else 400)
        return self.models[name]

    # ---- a new model

    def _admit(self, name: str) -> ModelWatch | None:
        if len(self.models) >= MAX_MODELS:
            return None
        decisions = self._decisions(name)
        reference, reason, source = self._sources.of(name, decisions)
        learns = reference is None and not reason and self.settings.learn_rows is not None
        if learns and sum(m.phase == "learning" for m in self.models.values()) >= MAX_LEARNING:
            return None
        model = ModelWatch(name, self.settings, reference, self._clock(), reason, source)
        model.decisions = decisions
        if decisions.renewals:
            self._renew(model)
        self._resuming.resume(model)
        self._periods.resume(model)
        self.models[name] = model
        return model

    def _renew(self, model: ModelWatch) -> None:
        """What was renewed is so again, if the reference is still the one it was done to."""
        decisions = model.decisions
        if model.reference is not None and decisions.base == model.reference.hash:
            model.replace({(r.side, r.column): r.now for r in decisions.renewals})
            return
        reason = f"{len(decisions.renewals)} columns were renewed on another reference; undone"
        self._refuse(model.name, "decisions", reason)
        decisions.renewals.clear()

    def _decisions(self, name: str) -> Decisions:
        try:
            return self._store.decisions(name)
        except StateError as problem:
            self._refuse(name, problem.path, problem.reason)
            return Decisions(model=name)

    # ---- what is kept

    def unsaved(self, *, at_end: bool = False) -> list[tuple[Path, bytes]]:
        """Files of what is newer than what was given last, for `save`; `at_end`: of all that is."""
        models = self.models.values()
        return self._resuming.files(models) + self._periods.files(models, at_end)

    def save(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Writes them; may be called in another thread."""
        self._try("evidence", "", lambda: self._store.write(files))

    def _refuse(self, name: str, path: Path | str, reason: str) -> None:
        self.set_aside.append(Refusal(name, str(path), reason))

    def _keep(self, model: ModelWatch) -> None:
        profile = model.reference
        if profile is not None:
            self._try(
                "reference", model.name, lambda: self._store.keep_reference(model.name, profile)
            )

    def _keep_period(self, model: ModelWatch) -> None:
        """The reference is of its period now, and what was decided on the first one is over."""
        self._keep(model)
        if model.decisions.base:
            self._keep_decisions(model)
        if ("reference", model.name) not in self._errors:
            self._periods.forget(model)

    def _keep_decisions(self, model: ModelWatch) -> None:
        keep = self._store.keep_decisions
        self._try("decisions", model.name, lambda: keep(model.decisions))

    def _try(self, kind: str, name: str, write: Callable[[], None]) -> None:
        """What cannot be written is said until it can be."""
        try:
            write()
            self._errors.pop((kind, name), None)
        except OSError as problem:
            path = self._store.path(kind, name) if kind != "evidence" else self._store.folder
            self._errors[kind, name] = f"{path}: {problem.strerror or problem}"
