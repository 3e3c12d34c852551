"""Which reference a model is judged by: the settings', one put in by hand, a learned one, or none.

Rule: the newest decision holds. What was published by hand goes before what the settings name until
they name another; what was learned serves where neither names one.

A reference that names a version is for that version; one that names none is for every version that
has none of its own. Where the traffic names no version, the only reference there is serves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile, ProfileError, Source, load
from agent.drift.state.state import Store
from agent.drift.traffic.decisions import Decisions


class Refusal(NamedTuple):
    """A file that is not used: for which model (empty: all), its path, and why."""

    model: str
    source: str
    reason: str


class References(NamedTuple):
    """What there is to judge by."""

    default: Profile | None = None
    by_model: Mapping[str, Sequence[Profile]] = {}
    """Each of another version."""
    refused: Sequence[Refusal] = ()


class Held(NamedTuple):
    """What was decided of all versions of a model, and the profile if it is at hand."""

    decisions: Decisions
    profile: Profile | None


def load_references(default: str | None, by_model: Mapping[str, str | Sequence[str]]) -> References:
    """Reads the files of the settings; those that cannot be used are in `refused`, never raised."""
    refused: list[Refusal] = []

    def read(path: str, model: str) -> Profile | None:
        try:
            return load(Path(path), model)
        except ProfileError as problem:
            refused.append(Refusal(model, path, str(problem)))
            return None

    found: dict[str, list[Profile]] = {}
    for model, given in by_model.items():
        for path in [given] if isinstance(given, str) else given:
            profile = read(path, model)
            versions = [other.version for other in found.get(model, [])]
            if profile is not None and profile.version in versions:
                which = f"version {profile.version!r}" if profile.version else "no version"
                remedy = "build each with a --model-version of its own"
                reason = f"another reference of {model!r} is of {which} too: {remedy}"
                refused.append(Refusal(model, path, reason))
            elif profile is not None:
                found.setdefault(model, []).append(profile)
    general = read(default, "") if default is not None else None
    return References(general, found, refused)


class Sources:
    """The references there are; `refused` are those that cannot be used."""

    def __init__(self, references: References, store: Store, *, learns: bool = True) -> None:
        """`learns`: whether a version of which the settings name no reference learns one."""
        self._given = references
        self._store = store
        self._learns = learns
        self.refused = list(references.refused)

    def of(
        self, name: Name, decisions: Decisions, held: Held | None = None
    ) -> tuple[Profile | None, str, Source]:
        """What to judge it by, or why it cannot be judged; neither if it shall learn.

        `held`: what was decided of all versions, if it is one.
        """
        configured, reason = self.configured(name)
        found = self._published(name, decisions)
        if found is None and held is not None and not self.has_own(name):
            found = self._published(Name(name.model), *held)
            if found is not None and found.version not in ("", name.version):
                found = None
        if found is not None:
            return found, "", "published"
        if configured is not None or reason:
            return configured, reason, "given" if configured else ""
        kept = self._kept(name, "it is learned anew")
        return kept, "", "learned" if kept else ""

    def _published(
        self, name: Name, decisions: Decisions, profile: Profile | None = None
    ) -> Profile | None:
        """What was put in by hand, if the settings name the same as they did then."""
        published = decisions.published
        if published is None or published.before != self.configured_hash(name):
            return None
        found = profile or self._kept(name, "the configured one is used")
        return found if found is not None and found.hash == published.hash else None

    def has_own(self, name: Name) -> bool:
        """Whether the settings name a reference of this very version."""
        found = self.configured(name)[0]
        return found is not None and found.version == name.version != ""

    def configured_hash(self, name: Name) -> str:
        """Of the reference that the settings name for it; empty if they name none."""
        found = self.configured(name)[0]
        return found.hash if found is not None else ""

    def configured(self, name: Name) -> tuple[Profile | None, str]:
        """The reference that the settings name for it, or why it cannot be used."""
        own = self._given.by_model.get(name.model)
        found = _for_version(own, name.version) if own else None
        if found is not None:
            return found, ""
        for refusal in self._given.refused:
            if refusal.model in ("", name.model):
                return None, refusal.reason
        if own:
            return None, "" if self._learns else _other_version(own, name)
        default = self._given.default
        if default is None:
            return None, ""
        if default.model and default.model != name.model:
            return None, (
                f"the reference is of model {default.model!r}, this is {name.model!r}; build one "
                f"with --model and name it under drift.references"
            )
        found = _for_version([default], name.version)
        return found, "" if found is not None else _other_version([default], name)

    def put_away(self, name: Name) -> Profile | None:
        """The reference of a version that is watched no more, or not yet: its own, by name."""
        if self.has_own(name):
            return self.configured(name)[0]
        return self._kept(name, "there is no other")

    def is_kept(self, name: Name) -> bool:
        """Whether it has a learned or published reference."""
        path = self._store.path("reference", name)
        return path is not None and path.exists()

    def _kept(self, name: Name, instead: str) -> Profile | None:
        try:
            return self._store.reference(name)
        except ProfileError as problem:
            refusal = Refusal(name.model, problem.source, f"{problem}; {instead}")
            if refusal not in self.refused:
                self.refused.append(refusal)
            return None


def _for_version(profiles: Sequence[Profile], version: str) -> Profile | None:
    """That of this version, else the one for every version, else the only one if none is named."""
    by_version = {profile.version: profile for profile in profiles}
    only = profiles[0] if not version and len(profiles) == 1 else None
    return by_version.get(version) or by_version.get("") or only


def _other_version(profiles: Sequence[Profile], name: Name) -> str:
    known = ", ".join(repr(profile.version) for profile in profiles)
    this = f"this is version {name.version!r}" if name.version else "this names none"
    return (
        f"there are references of version {known}, {this}; build one with --model-version "
        f"and name it beside them under drift.references"
    )
