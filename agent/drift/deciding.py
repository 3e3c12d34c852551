"""What people ask of the models that are watched, by name and version, and what they decide.

Rule: one that is not named is found only where there is no other; else what is known is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.drift.acknowledge import carry_out
from agent.drift.admission import Admission
from agent.drift.publish import checked, fits, version_of
from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile
from agent.drift.state.kept import Kept
from agent.drift.state.orders import Order, OrderError
from agent.drift.state.sources import Sources
from agent.drift.traffic.decisions import Decisions, Key, Published
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.versions import MAX_MODELS, MAX_VERSIONS, Versions


class Deciding:
    """Carries out orders."""

    def __init__(
        self,
        versions: Versions,
        admission: Admission,
        sources: Sources,
        kept: Kept,
        clock: Callable[[], float],
    ) -> None:
        self._versions = versions
        self._admission = admission
        self._sources = sources
        self._kept = kept
        self._clock = clock

    def acknowledge(self, order: Order) -> dict[str, Any]:
        """Carries it out and keeps it; what it was done to. Raises OrderError."""
        model = self.known(order.model, order.version)
        done = carry_out(model, order, self._clock())
        self._kept.decisions(model)
        return {
            "model": model.name,
            "version": model.version,
            "action": order.action,
            "columns": [_done(model, key, order.action) for key in done],
            "reference": model.reference.hash if model.reference else None,
            "kept_in": self._kept.where(model.key),
        }

    def reference(self, name: str | None, version: str | None) -> Profile:
        """What it is judged by; of a version that is watched no more, what it was judged by.

        Raises OrderError.
        """
        if name is not None and version and Name(name, version) not in self._versions.watched:
            profile = self._sources.put_away(Name(name, version))
            if profile is not None:
                return profile
        model = self.known(name, version)
        if model.reference is None:
            remedy = model.reason or f"it is {model.phase}: there is none yet"
            raise OrderError("model", model.key.told(), remedy, 404)
        return model.reference

    def publish(
        self, name: str | None, version: str | None, raw: bytes, by: str, note: str
    ) -> dict[str, Any]:
        """Judges by the profile in `raw` from now on. Raises OrderError.

        `version`: None for the one that the profile names, or the only one there is; empty for
        requests that name none, and all versions that have no reference of their own.
        """
        if name is None:
            name = self._known_model(None)
        profile = checked(raw, name)
        versions = [watch.version for watch in self._versions.of(name)]
        key = Name(name, version_of(profile, version, versions))
        model = self._versions.watched.get(key) or self._admission.admit(key)
        if model is None:
            remedy = f"{MAX_MODELS} are watched already, or {MAX_VERSIONS} versions of this model"
            raise OrderError("model", key.told(), remedy, 409)
        judged = [model, *self._others(model, profile)]
        for watch in judged:
            fits(profile, watch)
        now = self._clock()
        model.decisions = Decisions(
            model=key.model,
            version=key.version,
            published=Published(now, by, note, profile.hash, self._sources.configured_hash(key)),
            mutes=model.decisions.mutes,
        )
        for watch in judged:
            watch.watch(profile, now, "published")
        self._kept.reference(model)
        self._kept.decisions(model)
        return {
            "model": key.model,
            "version": key.version,
            "hash": profile.hash,
            "reference": profile.short_hash,
            "rows": profile.rows,
            "columns": len(profile.columns),
            "kept_in": self._kept.where(key),
        }

    def _others(self, model: ModelWatch, profile: Profile) -> list[ModelWatch]:
        """The versions that a reference published for requests without one is for, too."""
        if model.version:
            return []
        return [
            watch
            for watch in self._versions.of(model.name)
            if watch is not model
            and watch.decisions.published is None
            and profile.version in ("", watch.version)
            and not self._sources.has_own(watch.key)
        ]

    def _known_model(self, name: str | None) -> str:
        names = list(self._versions.latest)
        if name is None and len(names) == 1:
            return names[0]
        if name is None or name not in names:
            known = ", ".join(map(repr, names[:20])) or "none: no traffic has come yet"
            raise OrderError("model", name, f"known are: {known}", 404 if name else 400)
        return name

    def known(self, name: str | None, version: str | None) -> ModelWatch:
        """The one of this name and version, or the only one there is. Raises OrderError."""
        watches = self._versions.of(self._known_model(name))
        found = [watch for watch in watches if version in (None, watch.version)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(sorted(repr(watch.version) for watch in watches))
        remedy = f"known of {watches[0].name!r} are: {known}"
        if known == "''":
            remedy = f"leave it out: traffic of {watches[0].name!r} names no version"
        raise OrderError("version", version, remedy, 400 if version is None else 404)


def _done(model: ModelWatch, key: Key, action: str) -> dict[str, Any]:
    """A column that an order was carried out on; how many rows a new normal has, what it lacks."""
    side, name = key
    said: dict[str, Any] = {"side": side, "name": name}
    renewal = model.decisions.renewed(key)
    if action == "new_normal" and renewal is not None:
        said |= {"rows": renewal.now.rows, "caveat": renewal.caveat}
    return said
