"""How a model, or a version of one, begins to be watched, and how it ends.

Rule: it begins with what there is: the reference of the settings, one published by hand or one
learned before, and the evidence and the decisions on it. It ends on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from agent.decode.payload import Payload
from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile
from agent.drift.settings import Settings
from agent.drift.state.kept import Kept
from agent.drift.state.kept_periods import KeptPeriods
from agent.drift.state.resume import Resuming
from agent.drift.state.sources import Held, Refusal, Sources
from agent.drift.state.state import StateError, Store
from agent.drift.traffic.decisions import Decisions
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.versions import MAX_VERSIONS, Versions


class Admission:
    """Fills and empties `versions`."""

    def __init__(
        self,
        versions: Versions,
        settings: Settings,
        sources: Sources,
        store: Store,
        kept: Kept,
        clock: Callable[[], float],
    ) -> None:
        """All that there is evidence of in the store is watched again, as far as there is room."""
        self.set_aside: list[Refusal] = []
        """Kept decisions and evidence that are not used."""
        self.notes: list[str] = []
        """For the log."""
        self.rows_unseen = 0
        """Rows of models beyond the bounds."""
        self._versions = versions
        self._settings = settings
        self._sources = sources
        self._store = store
        self._kept = kept
        self._clock = clock
        self._resuming = Resuming(store, self._refuse, clock())
        self._periods = KeptPeriods(store, self._refuse, clock())
        for name, written in self._resuming.begin():
            model = self.admit(name)
            if model is not None:
                model.last_came = written

    def place(self, payload: Payload) -> ModelWatch | None:
        """Where rows belong that nothing is watched for yet; None: nowhere, and counted."""
        name = Name(payload.model, payload.version)
        latest = self._versions.latest.get(name.model)
        if latest is not None and not name.version and not payload.output_rows:
            # The answer, which was not read, might have named the version.
            if len(self._versions.of(name.model)) == 1:
                return latest
            latest.miss("version_unknown", payload.rows)
            return None
        model = self.admit(name)
        if model is None:
            self._leave(name, payload.rows)
        return model

    def admit(self, name: Name) -> ModelWatch | None:
        """Begins to watch it; None if there is no room."""
        now = self._clock()
        if self._versions.is_full(name.model) or not self._has_room(name, now):
            return None
        decisions = self._decisions(name)
        reference, reason, source = self._sources.of(name, decisions, self._held(name))
        learns = reference is None and not reason and self._settings.learn_rows is not None
        if learns and not self._has_room(name, now, to_learn=True):
            return None
        model = ModelWatch(name.model, self._settings, reference, now, reason, source, name.version)
        model.decisions = decisions
        if decisions.renewals:
            self._renew(model)
        if learns and name.version and self._sources.is_kept(Name(name.model)):
            self.notes.append(
                f"drift of {name.told()}: learns its own reference; the one that was learned of "
                f"requests without a version stays theirs"
            )
        self._resuming.resume(model)
        self._periods.resume(model)
        self._versions.add(model)
        return model

    def expected(self, name: Name) -> Profile | None:
        """The reference that it would begin with; None too while there is no room for it."""
        if self._versions.is_full(name.model):
            return None
        return self._sources.of(name, self._decisions(name), self._held(name))[0]

    def put_away(self, model: ModelWatch) -> None:
        """Watches it no more; what is known of it is kept."""
        self._kept.evidence(self._unsaved([model], at_end=True))
        self._resuming.leave(model.key)
        self._periods.leave(model.key)
        self._versions.remove(model)
        self._kept.leave(model.key)

    def unsaved(self, *, at_end: bool) -> list[tuple[Path, bytes]]:
        """Files of what is newer than what was given last; `at_end`: of all that is."""
        return self._unsaved(self._versions.watched.values(), at_end)

    def _unsaved(self, models: Collection[ModelWatch], at_end: bool) -> list[tuple[Path, bytes]]:
        return self._resuming.files(models) + self._periods.files(models, at_end)

    def keep_period(self, model: ModelWatch) -> None:
        """The reference is of its period now, and what was decided on the first one is over."""
        self._kept.reference(model)
        if model.decisions.base:
            self._kept.decisions(model)
        if self._kept.is_written("reference", model.key):
            self._periods.forget(model)

    def _has_room(self, name: Name, now: float, *, to_learn: bool = False) -> bool:
        ask = self._versions.room_to_learn if to_learn else self._versions.room
        room = ask(name, now)
        if isinstance(room, ModelWatch):
            self.put_away(room)
        return room is not False

    def _leave(self, name: Name, rows: int) -> None:
        self._versions.found_full(name.model)
        if name.model not in self._versions.latest:
            self.rows_unseen += rows
            return
        left = self._versions.rows_left
        if name.model not in left:
            self.notes.append(
                f"drift of {name.told()}: not watched, as {MAX_VERSIONS} versions are, or too many "
                f"learn at once; such rows are in no verdict"
            )
        left[name.model] += rows

    def _held(self, name: Name) -> Held | None:
        """What was decided of all versions, for one that is named."""
        if not name.version:
            return None
        general = Name(name.model)
        live = self._versions.watched.get(general)
        if live is None:
            return Held(self._decisions(general), None)
        return Held(live.decisions, live.original if live.source == "published" else None)

    def _renew(self, model: ModelWatch) -> None:
        """What was renewed is so again, if the reference is still the one it was done to."""
        decisions = model.decisions
        if model.reference is not None and decisions.base == model.reference.hash:
            model.replace({(r.side, r.column): r.now for r in decisions.renewals})
            return
        reason = f"{len(decisions.renewals)} columns were renewed on another reference; undone"
        self._refuse(model.name, "decisions", reason)
        decisions.renewals.clear()

    def _decisions(self, name: Name) -> Decisions:
        try:
            return self._store.decisions(name)
        except StateError as problem:
            self._refuse(name.model, problem.path, problem.reason)
            return Decisions(model=name.model, version=name.version)

    def _refuse(self, name: str, path: Path | str, reason: str) -> None:
        refusal = Refusal(name, str(path), reason)
        if refusal not in self.set_aside:
            self.set_aside.append(refusal)
