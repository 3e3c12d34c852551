"""Which reference a model is judged by: the settings', one put in by hand, a learned one, or none.

Rule: the newest decision holds. What was published by hand goes before what the settings name until
they name another; what was learned serves where neither names one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.drift.decisions import Decisions
from agent.drift.model import Source
from agent.drift.reference import Profile, ProfileError, load
from agent.drift.state import Store


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


class Sources:
    """The references there are; `refused` are those that cannot be used."""

    def __init__(self, references: References, store: Store) -> None:
        self._given = references
        self._store = store
        self.refused = list(references.refused)

    def of(self, name: str, decisions: Decisions) -> tuple[Profile | None, str, Source]:
        """What to judge a model by, or why it cannot be judged; neither if it shall learn."""
        configured, reason = self.configured(name)
        published = decisions.published
        if published is not None and published.before == (configured.hash if configured else ""):
            kept = self._kept(name, "the configured one is used")
            if kept is not None and kept.hash == published.hash:
                return kept, "", "published"
        if configured is not None or reason:
            return configured, reason, "given" if configured else ""
        kept = self._kept(name, "it is learned anew")
        return kept, "", "learned" if kept else ""

    def configured(self, name: str) -> tuple[Profile | None, str]:
        """The reference that the settings name for a model, or why it cannot be used."""
        known = self._given.by_model.get(name)
        if known is not None:
            return known, ""
        for refusal in self._given.refused:
            if refusal.model in ("", name):
                return None, refusal.reason
        default = self._given.default
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
