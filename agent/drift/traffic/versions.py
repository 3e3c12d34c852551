"""Which models and versions are watched at once, and which of them must go.

Rule: bounded whatever names come in. Nobody who is seen is pushed out: a version gives its place
to another one only after IDLE seconds without a row, the longest idle first, and the version of a
model that was seen last never. What is known of one that goes is on disk, and used again when it
comes back.

The budget of a model is its versions' together: each of those that are judged has an equal part.
By linearity the expected number of false alarms is then that of one. A span is charged by the part
at its end: when one version goes, the other's longest spans get for once the part of two. A version
keeps its part for the day until it goes, which leaves that to spans of more than a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from agent.drift.reference.name import Name
from agent.drift.traffic.model import ModelWatch

MAX_MODELS = 64
"""Watched in all, each version of a model by itself."""
MAX_VERSIONS = 8
"""Of one model."""
MAX_LEARNING = 8
"""That learn at once; each may hold LEARNING_CELLS values meanwhile."""
MAX_LEARNING_VERSIONS = 4
"""Of one model."""
IDLE = 3600.0
"""Seconds without a row after which a version may have to give its place to another one."""
GONE = 86400.0
"""Seconds without a row after which it is put away, if a version of its model was seen later."""
MAX_NOTED = 1024
"""Models of which it is remembered between two ticks that there was no place."""


class Versions:
    """All that is watched, and who was seen when."""

    def __init__(self) -> None:
        self.watched: dict[tuple[str, str], ModelWatch] = {}
        """By name; a plain tuple finds it in a third of the time."""
        self.latest: dict[str, ModelWatch] = {}
        """Of each model the version that was seen last."""
        self.rows_left: Counter[str] = Counter()
        """Rows of versions beyond the bounds, by model."""
        self._full: set[str] = set()
        """Models for whose new versions there was no place since the last tick."""

    def of(self, model: str) -> list[ModelWatch]:
        """The versions of a model."""
        return [watch for watch in self.watched.values() if watch.name == model]

    def add(self, watch: ModelWatch) -> None:
        """Watches one more, for which there is room."""
        self.watched[watch.key] = watch
        self.latest.setdefault(watch.name, watch)
        self._share()

    def remove(self, watch: ModelWatch) -> None:
        """Watches it no more."""
        del self.watched[watch.key]
        if self.latest[watch.name] is watch:
            del self.latest[watch.name]
        self._share()

    def is_full(self, model: str) -> bool:
        """Whether it was found lately that no further version of it can be watched."""
        return model in self._full

    def found_full(self, model: str) -> None:
        """There is no place: that is not asked again before the next tick."""
        if len(self._full) < MAX_NOTED:
            self._full.add(model)

    def room(self, name: Name, now: float) -> ModelWatch | bool:
        """Whether there is room for it, or who has to go."""
        own = self.of(name.model)
        if len(own) >= MAX_VERSIONS:
            return self._idle(own, now) or False
        if len(self.watched) >= MAX_MODELS:
            return self._idle(self.watched.values(), now) or False
        return True

    def room_to_learn(self, name: Name, now: float) -> ModelWatch | bool:
        """The same for one that has to learn its reference."""
        learning = [watch for watch in self.watched.values() if watch.phase == "learning"]
        own = [watch for watch in learning if watch.name == name.model]
        if len(own) >= MAX_LEARNING_VERSIONS:
            return self._idle(own, now) or False
        if len(learning) >= MAX_LEARNING:
            return self._idle(learning, now) or False
        return True

    def tick(self, now: float) -> list[ModelWatch]:
        """Notes who was seen till now; gives those that are to be put away."""
        self._full.clear()
        for watch in self.watched.values():
            if watch.came:
                watch.last_came, watch.came = now, False
        self._share()
        return [watch for watch in self.watched.values() if self._is_idle(watch, now, GONE)]

    def _idle(self, watches: Iterable[ModelWatch], now: float) -> ModelWatch | None:
        idle = [watch for watch in watches if self._is_idle(watch, now, IDLE)]
        return min(idle, key=lambda watch: watch.last_came, default=None)

    def _is_idle(self, watch: ModelWatch, now: float, seconds: float) -> bool:
        is_latest = self.latest.get(watch.name) is watch
        return not watch.came and not is_latest and now - watch.last_came >= seconds

    def _share(self) -> None:
        """The budget of each model among those of its versions that are judged."""
        judged = Counter(watch.name for watch in self.watched.values() if _spends(watch))
        for watch in self.watched.values():
            watch.sharing = max(1, judged[watch.name])


def _spends(watch: ModelWatch) -> bool:
    """Whether it has begun to spend a part of the budget."""
    has_come = watch.windows or watch.window.rows or watch.came
    return watch.phase == "watching" and bool(has_come)
