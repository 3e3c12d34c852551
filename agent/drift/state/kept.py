"""What a monitor keeps in its store: written when it changes, and what cannot be is said.

Rule: what cannot be written is in memory, and said until it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from agent.drift.reference.name import Name
from agent.drift.state.state import Kind, Store
from agent.drift.traffic.model import ModelWatch


class Kept:
    """Writes to a store; `is_lasting`: whether that outlives Outrider itself."""

    def __init__(self, store: Store, *, is_lasting: bool) -> None:
        self._store = store
        self._is_lasting = is_lasting
        self._errors: dict[tuple[Kind, Name | None], str] = {}
        """Why a kind of file cannot be written."""

    @property
    def last_error(self) -> str:
        """Why something that is to be kept is in memory only; empty if all is kept."""
        return next(iter(self._errors.values()), "")

    def where(self, name: Name | None = None) -> str:
        """Where what is known of one, or of all, is kept."""
        failed = {("reference", name), ("decisions", name)} & self._errors.keys()
        folder = self._store.folder if self._is_lasting and not failed else None
        return str(folder or "memory")

    def is_written(self, kind: Kind, name: Name) -> bool:
        """Whether its file is not one that could not be written."""
        return (kind, name) not in self._errors

    def reference(self, model: ModelWatch) -> None:
        """Keeps what it is judged by."""
        profile, name = model.reference, model.key
        if profile is not None:
            self._try("reference", name, lambda: self._store.keep_reference(name, profile))

    def decisions(self, model: ModelWatch) -> None:
        """Keeps what was decided of it."""
        keep = self._store.keep_decisions
        self._try("decisions", model.key, lambda: keep(model.decisions))

    def evidence(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Writes these files; may be called in another thread."""
        self._try("evidence", None, lambda: self._store.write(files))

    def leave(self, name: Name) -> None:
        """It is watched no more: the versions of its model that were longest unseen are removed."""
        for kind in ("reference", "decisions"):
            self._errors.pop((kind, name), None)
        self._store.prune(name.model)

    def _try(self, kind: Kind, name: Name | None, write: Callable[[], None]) -> None:
        try:
            write()
            self._errors.pop((kind, name), None)
        except OSError as problem:
            path = self._store.path(kind, name) if name is not None else self._store.folder
            self._errors[kind, name] = f"{path}: {problem.strerror or problem}"
