"""One version of a model: its answers by kind, and what was found in them.

Rule: bounded whatever names come in; answers of further kinds are only counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.decode.payload import NO_ROWS, Payload
from agent.quality.batch import Batch, count_requests, request_id
from agent.quality.findings import News, Tally
from agent.quality.layout import Found, Layout
from agent.quality.pairing import Pairing

MAX_LAYOUTS = 8
MAX_NAMES = 64
"""Sets of names whose layout is remembered, by their hash: names may be many and long."""
_NUMBER = re.compile(r"-\d+(?=$|[.-])")

Names = tuple[str, ...]


class Alike(NamedTuple):
    """Payloads of one model and version."""

    failure: str
    names: Names
    """Of the outputs of each."""
    payloads: Sequence[Payload]


class Watch:
    """See the module."""

    def __init__(self, model: str, version: str) -> None:
        self.tally = Tally(model, version)
        self.came = 0.0
        self.layouts: dict[frozenset[str], Layout] = {}
        self._known: dict[int, Layout | None] = {}
        self._pairing = Pairing()

    def examine(self, alike: Iterable[Alike], now: float) -> Iterator[News]:
        """Takes payloads; findings that begin with them. `now`: seconds since the epoch."""
        self.came = now
        rows: defaultdict[Layout, tuple[list[Payload], dict[str, None]]]
        rows = defaultdict(lambda: ([], {}))
        for failure, names, payloads in alike:
            self.tally.requests += count_requests(payloads)
            yield from self._apart(failure, payloads, now)
            layout = self._layout(names) if names else None
            if layout is not None:
                rows[layout][0].extend(payloads)
                rows[layout][1].update(dict.fromkeys(names))
        for layout, (those, union) in rows.items():
            batch = Batch(those, union)
            for finding, hits, where in _each(layout.examine(batch)) if batch.rows else ():
                count, example = batch.requests(hits)
                yield from self._found(finding, count, now, where, example)

    def _apart(self, failure: str, payloads: Sequence[Payload], now: float) -> Iterator[News]:
        """What is seen of answers as a whole."""
        if failure and failure != NO_ROWS:
            example = request_id(payloads[-1])
            yield from self._found("error_body", len(payloads), now, failure, example)
        for payload in payloads if max([p.rows for p in payloads]) > 1 else ():
            if apart := self._pairing.examine(payload):
                example = request_id(payload) if payload.sizes[0] is None else ""
                yield from self._found("rows_differ", apart, now, "rows", example)

    def _found(
        self, finding: str, requests: int, now: float, where: str, example: str
    ) -> Iterator[News]:
        news = self.tally.found(finding, requests, now, where, example)
        if news is not None:
            yield news

    def _layout(self, names: Names) -> Layout | None:
        """Lists of different lengths are of one layout."""
        hashed = hash(names)
        if hashed in self._known:
            return self._known[hashed]
        key = frozenset([_NUMBER.sub("-", name) for name in names])
        layout = self.layouts.get(key)
        if layout is None and len(self.layouts) < MAX_LAYOUTS:
            layout = self.layouts[key] = Layout()
        if len(self._known) < MAX_NAMES:
            self._known[hashed] = layout
        return layout


def _each(found: Iterable[Found]) -> Iterable[Found]:
    """Each finding once, in all rows that show it: a request that shows it twice counts once."""
    by_name: dict[str, Found] = {}
    for one in found:
        known = by_name.get(one.finding)
        by_name[one.finding] = one if known is None else known._replace(rows=known.rows | one.rows)
    return by_name.values()
