"""What other parts add to the overview.

Rule: each is called when an overview is made, which is while somebody looks; it must be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Extra = Callable[[], dict[str, Any] | None]


def nothing() -> None:
    """Nothing is known."""


@dataclass(slots=True)
class Extras:
    """Set by who knows it; None is shown where nothing is known."""

    load: Extra = nothing
    host: Extra = nothing
    alerts: Extra = nothing
