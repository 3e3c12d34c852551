"""Foreign text on its way into a report: names of columns and models, categories, request ids.

Rule: the one way in. A text becomes one line of at most `MOST` characters, all printable, less
what redaction hides by default; how a form escapes it is that form's.
"""

from __future__ import annotations

import os
from typing import Any

from agent.drift.engine.layout import cut
from agent.observer.redact import Redactor
from agent.settings.redaction import Redact

MOST = 200
"""Characters."""


class Cleaner:
    """Cleans texts; `is_redacted` where they come from a sidecar, which did it by its rules."""

    def __init__(self, *, is_redacted: bool) -> None:
        self._redactor = None if is_redacted else Redactor(Redact(), os.urandom(32))

    def name(self, text: object) -> str:
        """Of a column, a category, an id."""
        plain = text if isinstance(text, str) else "" if text is None else str(text)
        return cut(self._redactor.name(plain) if self._redactor else plain, MOST)

    def title(self, text: object) -> str:
        """Of a model or a version."""
        plain = text if isinstance(text, str) else "" if text is None else str(text)
        return cut(self._redactor.title(plain) if self._redactor else plain, MOST)

    def said(self, text: object) -> str:
        """A sentence of ours that may have names in it; longer than a name."""
        return cut(text if isinstance(text, str) else "", 10 * MOST)

    def lines(self, value: Any) -> Any:
        """Plain data, each text as one printable line, whoever wrote it."""
        if isinstance(value, str):
            return value if value.isprintable() else cut(value, len(value))
        if isinstance(value, dict):
            return {self.lines(key): self.lines(item) for key, item in value.items()}
        return [self.lines(item) for item in value] if isinstance(value, list) else value

    def page(self, value: Any) -> Any:
        """Plain data, its texts and keys."""
        if isinstance(value, str):
            return self.name(value)
        if isinstance(value, dict):
            return {self.name(key): self.page(item) for key, item in value.items()}
        return [self.page(item) for item in value] if isinstance(value, list) else value

    def picture(self, picture: dict[str, Any], *, has_names: bool) -> dict[str, Any]:
        """Of a column; `has_names`: its bins are categories, and no numbers that look like ids."""
        bins = [
            one | {"bin": self.name(one["bin"]), "category": self.name(one["category"])}
            if has_names and one["category"] is not None
            else one | {"bin": cut(str(one["bin"]), MOST)}
            for one in picture["bins"]
        ]
        return picture | {"bins": bins}
