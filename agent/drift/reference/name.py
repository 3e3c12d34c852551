"""What is watched by itself: a model in one of its versions.

Rule: a version is what the server or the path calls it, compared letter by letter; empty is that
of requests that name none.
"""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """Of a model and its version."""

    model: str
    version: str = ""

    def told(self) -> str:
        """For people."""
        whose = self.model or "the model"
        return f"{whose} version {self.version}" if self.version else whose
