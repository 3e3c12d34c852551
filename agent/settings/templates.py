"""Templates of paths, such as "/v1/models/{model}:predict"."""

from __future__ import annotations

import re

_EVERYTHING = re.compile(r"/\{\+\w+\}")


def pattern(template: str) -> re.Pattern[str]:
    """A template as a pattern with its names as groups.

    `{name}` is a part between slashes and colons, `{+name}` anything (RFC 6570's reserved form).
    """
    parts = re.split(r"\{(\+?\w+)\}", template)
    text = "".join(_group(part) if n % 2 else re.escape(part) for n, part in enumerate(parts))
    return re.compile(text, re.DOTALL)


def _group(name: str) -> str:
    return f"(?P<{name[1:]}>.*)" if name[0] == "+" else f"(?P<{name}>[^/:]+)"


def is_everything(template: str) -> bool:
    """Whether every path fits it, as "/{+rest}": it then says nothing of what a path is."""
    return _EVERYTHING.fullmatch(template) is not None
