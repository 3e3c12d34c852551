"""Templates of paths, such as "/v1/models/{model}:predict"."""

from __future__ import annotations

import re


def pattern(template: str) -> re.Pattern[str]:
    """A template as a pattern with its names as groups."""
    parts = re.split(r"\{(\w+)\}", template)
    text = "".join(
        re.escape(part) if n % 2 == 0 else f"(?P<{part}>[^/:]+)" for n, part in enumerate(parts)
    )
    return re.compile(text)
