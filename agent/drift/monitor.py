"""All models' drift: takes payloads, keeps time, and says where things stand.

Rule: bounded whatever names come in: `MAX_MODELS` models, of which `MAX_LEARNING` learn at once;
payloads of further ones are counted and left.

Not thread-safe: one loop adds, ticks and asks.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.decode.payload import Payload
from agent.drift.model import Change, ModelWatch, Settings
from agent.drift.reference import Profile, ProfileError, load, save
from agent.drift.status import status_of
from agent.drift.unseen import Reason

MAX_MODELS = 64
MAX_LEARNING = 8
"""Models that learn at once; each may hold LEARNING_CELLS values meanwhile."""


class Refusal(NamedTuple):
    """A reference that is not used: for which model (empty: all), its file, and why."""

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
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`state_dir`: where learned references are kept; None: in memory.

        `clock`: seconds since the epoch.
        """
        self.settings = settings
        self.references = references or References()
        self.models: dict[str, ModelWatch] = {}
        self.refused = list(self.references.refused)
        self.rows_unseen = 0
        """Rows of models beyond the bounds."""
        self.last_error = ""
        """Why a learned reference could not be kept, if so."""
        self._state_dir = state_dir
        self._clock = clock
        self._changes: list[Change] = []

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
            "learned_references": {
                "kept_in": str(self._state_dir) if self._state_dir else "memory",
                "error": self.last_error,
            },
        }

    def _admit(self, name: str) -> ModelWatch | None:
        if len(self.models) >= MAX_MODELS:
            return None
        reference, reason = self._reference(name)
        learns = reference is None and not reason and self.settings.learn_rows is not None
        if learns and sum(m.phase == "learning" for m in self.models.values()) >= MAX_LEARNING:
            return None
        model = ModelWatch(name, self.settings, reference, self._clock(), reason)
        if reference is not None and self._is_kept(name):
            model.source = "learned"
        self.models[name] = model
        return model

    def _reference(self, name: str) -> tuple[Profile | None, str]:
        """What to judge a model by, or why it cannot be judged; neither if it shall learn."""
        known = self.references.by_model.get(name)
        if known is not None:
            return known, ""
        for refusal in self.references.refused:
            if refusal.model in ("", name):
                return None, refusal.reason
        default = self.references.default
        if default is None:
            return self._kept(name), ""
        if default.model and default.model != name:
            return None, (
                f"the reference is of model {default.model!r}, this is {name!r}; build one with "
                f"--model and name it under drift.references"
            )
        return default, ""

    def _is_kept(self, name: str) -> bool:
        return self.references.default is None and name not in self.references.by_model

    def _path(self, name: str) -> Path | None:
        if self._state_dir is None:
            return None
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:48]
        digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
        return self._state_dir / f"reference-{readable}-{digest}.json"

    def _kept(self, name: str) -> Profile | None:
        path = self._path(name)
        if path is None or not path.exists():
            return None
        try:
            return load(path, name)
        except ProfileError as problem:
            self.refused.append(Refusal(name, str(path), f"{problem}; it is learned anew"))
            return None

    def _keep(self, model: ModelWatch) -> None:
        path = self._path(model.name)
        if path is None or model.reference is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save(model.reference, path)
        except OSError as problem:
            self.last_error = f"{path}: {problem.strerror or problem}"
