"""An exposition as families: parsed by prometheus_client, family by family.

Rule: any bytes in; what cannot be read is counted and left out, and the rest is kept. Never half of
a histogram: a family that does not fit is left out whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.scrape.blocks import Block, blocks
from agent.scrape.fetch import Page, Unread

_parse_openmetrics: Callable[[str], Iterable[Metric]] = (
    openmetrics_parser.text_string_to_metric_families
)
OPENMETRICS = "application/openmetrics-text"
TEXT = frozenset(("text/plain", "", "application/octet-stream", OPENMETRICS))
"""Media types that are read; without one, or a general one, as text."""


_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_TEXT_TYPES = frozenset(("counter", "gauge", "histogram", "summary", "unknown"))


@dataclass(slots=True)
class Parsed:
    """What came of a page."""

    shown: list[Metric] = field(default_factory=list)
    """Families to be shown, as the server names them."""
    known: list[Metric] = field(default_factory=list)
    """Those that were asked for by name, shown or not."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Samples by why: malformed, series (over the bound)."""


def parse(page: Page, keep: Sequence[str], known: frozenset[str], most: int) -> Parsed:
    """At most `most` series of families that `keep` fits (none: all), and those `known`.

    Raises Unread if it is no exposition at all.
    """
    if page.media_type not in TEXT:
        raise Unread("its Content-Type is none of an exposition in text")
    openmetrics = page.media_type == OPENMETRICS
    families, malformed = blocks(page.body.decode("utf-8", "replace"), openmetrics)
    if malformed and not families:
        raise Unread("not an exposition")
    parsed = Parsed(dropped=Counter(malformed=malformed))
    read = _open if openmetrics else _text
    for block in families:
        wanted, is_known = _fits(block.name, keep), block.name in known
        if wanted and len(block.lines) > most:
            parsed.dropped["series"] += len(block.lines)
            wanted = False
        if not wanted and not (is_known and len(block.lines) <= most):
            continue
        metrics, lost = read(block)
        parsed.dropped["malformed"] += lost
        if wanted:
            most -= len(block.lines) - lost
            parsed.shown += metrics
        if is_known:
            parsed.known += metrics
    return parsed


def _fits(name: str, keep: Iterable[str]) -> bool:
    patterns = [*keep]
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _open(block: Block) -> tuple[list[Metric], int]:
    """Its samples go together: of a block that is not whole nothing is kept."""
    try:
        found = [*_parse_openmetrics(f"{_written(block)}# EOF\n")]
    except Exception:  # of whatever kind: it is a parser on a stranger's bytes
        return [], len(block.lines)
    if not all(_NAME.fullmatch(name) for metric in found for name in _names(metric)):
        return [], len(block.lines)
    return found, 0


def _names(metric: Metric) -> Iterator[str]:
    """Of the family and of its samples; the library lets some pass that are none."""
    yield metric.name
    for sample in metric.samples:
        yield sample.name


def _text(block: Block) -> tuple[list[Metric], int]:
    metric = _tried(_written(block))
    if metric is None:
        alone = [_tried(line + "\n") for line in block.lines]
        good = [line for line, one in zip(block.lines, alone, strict=True) if one is not None]
        lost = len(block.lines) - len(good)
        block = Block(block.name, block.kind, block.help, lines=good)
        metric = _tried(_written(block)) or _tried(_written(Block(block.name, lines=good)))
        if metric is None:
            return [], lost + len(good)
        return ([metric] if good else []), lost
    return [metric], 0


def _tried(text: str) -> Metric | None:
    """One family of all these lines, or None."""
    try:
        found = [*parse_text(text)]
    except Exception:  # of whatever kind: it is a parser on a stranger's bytes
        return None
    samples = [sample for metric in found for sample in metric.samples]
    if not found or not all(_NAME.fullmatch(name) for metric in found for name in _names(metric)):
        return None
    family = found[0]
    family.samples = samples
    return _as_named(family, text)


def _as_named(family: Metric, text: str) -> Metric:
    """A counter whose name does not end with `_total` is one of no known type: the library would
    rename its samples, as OpenMetrics wants it."""
    if family.type == "counter" and f"# TYPE {family.name} counter\n" in text:
        family.type = "unknown"
        family.samples = [s._replace(name=family.name) for s in family.samples]
    if family.type not in _TEXT_TYPES:
        family.type = "unknown"
    return family


def _written(block: Block) -> str:
    return block.header() + "".join(f"{line}\n" for line in block.lines)
