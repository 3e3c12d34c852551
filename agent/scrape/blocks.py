"""The lines of an exposition, sorted by the family that they belong to.

Rule: looks at the beginning of each line alone, so that what is not shown is not parsed; any text
in, blocks out. Lines of one family that stand apart come together, and of its metadata the first
counts.

Source: Prometheus' text exposition format 0.0.4 and OpenMetrics 1.0, whose samples of a family have
its name and a suffix by its type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.scrape.fetch import Unread

MAX_LINES = 1 << 16
MAX_LINE = 1 << 13
"""Characters of a line; a longer one is malformed."""
MAX_NAME = 200
_SAMPLE = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)(?=[{ \t])")
_META = re.compile(r"#[ \t]+(HELP|TYPE|UNIT)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t](.*))?$")
_SUFFIXED = {
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}
_OPEN = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "info": ("_info",),
}


@dataclass(slots=True)
class Block:
    """Of one family."""

    name: str
    """As declared."""
    kind: str = ""
    help: str = ""
    unit: str = ""
    lines: list[str] = field(default_factory=list)
    """Samples."""

    def header(self) -> str:
        """The metadata as lines again."""
        texts = (("HELP", self.help), ("TYPE", self.kind), ("UNIT", self.unit))
        return "".join(f"# {what} {self.name} {text}\n" for what, text in texts if text)


def blocks(text: str, openmetrics: bool) -> tuple[list[Block], int]:
    """Families that have samples, in the order in which they first come; and how many lines are of
    none. Raises Unread if there are more than MAX_LINES."""
    if text.count("\n") > MAX_LINES:
        raise Unread(f"more than {MAX_LINES} lines")
    found: dict[str, Block] = {}
    owners: dict[str, Block] = {}
    malformed = 0
    suffixes = _OPEN if openmetrics else _SUFFIXED
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        if not line or line.isspace():
            continue
        if line[0] == "#":
            if meta := _META.match(line[:MAX_LINE]):
                what, name, rest = meta.groups()
                block = _block(found, name)
                if not getattr(block, what.lower().replace("type", "kind")):
                    setattr(block, what.lower().replace("type", "kind"), (rest or "").strip())
                if what == "TYPE":
                    _own(owners, block, suffixes.get(block.kind, ()))
            continue
        sample = _SAMPLE.match(line)
        if sample is None or len(line) > MAX_LINE or sample.end(1) > MAX_NAME:
            malformed += 1
            continue
        name = sample[1]
        block = owners.get(name) or _block(found, name)
        block.lines.append(line)
    return [block for block in found.values() if block.lines], malformed


def _block(found: dict[str, Block], name: str) -> Block:
    return found.setdefault(name, Block(name))


def _own(owners: dict[str, Block], block: Block, suffixes: Iterable[str]) -> None:
    for suffix in suffixes:
        owners.setdefault(block.name + suffix, block)
