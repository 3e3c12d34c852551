"""All models' drift: takes payloads, keeps time, and says where things stand.

Rule: bounded whatever names come in: `MAX_MODELS` models, of which `MAX_LEARNING` learn at once;
payloads of further ones are counted and left.

Not thread-safe: one loop adds, ticks and asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agent.decode.payload import Payload
from agent.drift.acknowledge import carry_out
from agent.drift.decisions import Decisions, Published
from agent.drift.model import Change, ModelWatch, Settings, Source
from agent.drift.orders import Order, OrderError
from agent.drift.publish import checked, fits
from agent.drift.reference import Profile, ProfileError, load
from agent.drift.resume import Resuming
from agent.drift.state import StateError, Store
from agent.drift.status import status_of
from agent.drift.unseen import Reason

MAX_MODELS = 64
MAX_LEARNING = 8
"""Models that learn at once; each may hold LEARNING_CELLS values meanwhile."""


class Refusal(NamedTuple):
    """A file that is not used: for which model (empty: all), its path, and why."""

    model: str
    source: str
    reason: str


class References(NamedTuple):
    """What there is to judge by."""

    default: Profile | None = None
    by_model: Mapping[str, Profile] = {}
    refused: Sequence[Refusal] = ()


def load_references(default: str | None, by_model: Mapping[str, str]) -> References:
    """Reads the files of the settings; those that cannot be used are in `refused`, never raised."""
    refused: list[Refusal] = []

    def read(path: str, model: str) -> Profile | None:
        try:
            return load(Path(path), model)
        except ProfileError as problem:
            refused.append(Refusal(model, path, str(problem)))
            return None

    found = {model: read(path, model) for model, path in by_model.items()}
    general = read(default, "") if default is not None else None
    good = {model: profile for model, profile in found.items() if profile is not None}
    return References(general, good, refused)


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
        self.references = references or References()
        self.models: dict[str, ModelWatch] = {}
        self.refused = list(self.references.refused)
        self.set_aside: list[Refusal] = []
        """Kept decisions and evidence that are not used."""
        self.rows_unseen = 0
        """Rows of models beyond the bounds."""
        self.last_error = ""
        """Why a learned reference could not be kept, if so."""
        self._store = Store(state_dir)
        self._lasting = lasting
        self._clock = clock
        self._resuming = Resuming(self._store, self._refuse)
        for name in self._resuming.models():
            self._admit(name)

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

    def tick(self, now: float | None = None) -> None:
        """Counts what is buffered and judges windows whose time is over; call it each second."""
        at = self._clock() if now is None else now
        for model in self.models.values():
            model.tick(at)

    def take_changes(self) -> list[Change]:
        """The verdicts that changed since the last call, for the log."""
        changes: list[Change] = []
        for model in self.models.values():
            changes += model.changes
            model.changes = []
        return changes

    def status(self) -> dict[str, object]:
        """For `/api/v1/drift`: plain values, ready for JSON."""
        return {
            "models": [status_of(model) for model in self.models.values()],
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
            "kept_in": self._kept_in(),
        }

    def _kept_in(self) -> str:
        folder = self._store.folder if self._lasting and not self.last_error else None
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
        configured = self._configured(name)[0]
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
            "kept_in": self._kept_in(),
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
        reference, reason, source = self._reference(name, decisions)
        learns = reference is None and not reason and self.settings.learn_rows is not None
        if learns and sum(m.phase == "learning" for m in self.models.values()) >= MAX_LEARNING:
            return None
        model = ModelWatch(name, self.settings, reference, self._clock(), reason)
        model.source = source
        model.decisions = decisions
        if decisions.renewals:
            self._renew(model)
        self._resuming.resume(model)
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

    def _reference(self, name: str, decisions: Decisions) -> tuple[Profile | None, str, Source]:
        """What to judge a model by, or why it cannot be judged; neither if it shall learn."""
        configured, reason = self._configured(name)
        published = decisions.published
        if published is not None and published.before == (configured.hash if configured else ""):
            kept = self._kept(name, "the configured one is used")
            if kept is not None and kept.hash == published.hash:
                return kept, "", "published"
        if configured is not None or reason:
            return configured, reason, "given" if configured else ""
        kept = self._kept(name, "it is learned anew")
        return kept, "", "learned" if kept else ""

    def _configured(self, name: str) -> tuple[Profile | None, str]:
        """The reference that the settings name for a model, or why it cannot be used."""
        known = self.references.by_model.get(name)
        if known is not None:
            return known, ""
        for refusal in self.references.refused:
            if refusal.model in ("", name):
                return None, refusal.reason
        default = self.references.default
        if default is None or not default.model or default.model == name:
            return default, ""
        return None, (
            f"the reference is of model {default.model!r}, this is {name!r}; build one with "
            f"--model and name it under drift.references"
        )

    def _kept(self, name: str, instead: str) -> Profile | None:
        try:
            return self._store.reference(name)
        except ProfileError as problem:
            refusal = Refusal(name, problem.source, f"{problem}; {instead}")
            if refusal not in self.refused:
                self.refused.append(refusal)
            return None

    # ---- what is kept

    def unsaved(self) -> list[tuple[Path, bytes]]:
        """Files of the evidence that is newer than what was given last; for `save`."""
        return self._resuming.files(self.models.values())

    def save(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Writes them; may be called in another thread."""
        try:
            self._store.write(files)
        except OSError as problem:
            self.last_error = self.last_error or f"{self._store.folder}: {problem.strerror}"

    def _refuse(self, name: str, path: Path | str, reason: str) -> None:
        self.set_aside.append(Refusal(name, str(path), reason))

    def _keep(self, model: ModelWatch) -> None:
        if model.reference is not None:
            try:
                self._store.keep_reference(model.name, model.reference)
            except OSError as problem:
                self._say(problem, model.name)

    def _keep_decisions(self, model: ModelWatch) -> None:
        try:
            self._store.keep_decisions(model.decisions)
        except OSError as problem:
            self._say(problem, model.name)

    def _say(self, problem: OSError, name: str) -> None:
        path = self._store.path("reference", name)
        self.last_error = f"{path}: {problem.strerror or problem}"
