"""Exchanges of the usual kind decoded together: most of what a small one costs alone is calls.

Rule: what comes out is what `registry.decode` gives for each of them, one after another, or None;
never an exception, whatever the bytes.

Theory. Bodies are joined by newlines and parsed as lines by one call. That no client's bytes get
into another's row is certain if no body has a newline in it, and there are as many documents as
lines: a document that a newline does not end is an error, one that goes on over it would make
them fewer. Measured: with drift's part a row of five columns takes half the time that it takes
alone (python -m bench.micro_observer).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter

from agent.decode import heads, registry
from agent.decode.dialects import kserve_v1
from agent.decode.names import named
from agent.decode.payload import Payload, from_plain_rows
from agent.exchange import Exchange

EVIDENCE = kserve_v1.USUAL
AT_ONCE = 64
"""Exchanges at most: one that is not usual sends no more than these the longer way."""
FEWEST = 4
"""Exchanges that are worth it."""
MAX_BYTES = 1 << 20
"""Of their bodies; longer ones lose nothing by being decoded alone."""

kind = itemgetter(*map(Exchange._fields.index, ("capture", "error", "status", "model", "target")))
"""What has to be equal in exchanges that are decoded together."""

Body = tuple[bytes, bytes, int] | None


def groups(batch: Sequence[Exchange]) -> Iterator[Sequence[int]]:
    """The places of a batch, those of one `kind` together, at most `AT_ONCE` at a time."""
    kinds = [*map(kind, batch)]
    if kinds.count(kinds[0]) == len(kinds):
        groups: Iterable[Sequence[int]] = (range(len(kinds)),)
    else:
        places: defaultdict[object, list[int]] = defaultdict(list)
        for place, of in enumerate(kinds):
            places[of].append(place)
        groups = places.values()
    for alike in groups:
        for begin in range(0, len(alike), AT_ONCE):
            yield alike[begin : begin + AT_ONCE]


def dialect(alike: Sequence[Exchange]) -> str:
    """The dialect of exchanges that were decoded together; the outcome is "ok"."""
    return registry.speaker(alike[0].target).NAME


def decode(alike: Sequence[Exchange]) -> Payload | None:
    """The rows of exchanges of one `kind` as one payload; None if one of them is not usual.

    Usual: 2xx, both bodies whole and in KServe V1's form, rows of the same names, answers of one
    version.
    """
    first = alike[0]
    if len(alike) < FEWEST:
        return None
    if first.capture != "full" or first.error or not 200 <= first.status < 300:
        return None
    asked = _lines([x.request_body for x in alike], kserve_v1.REQUEST)
    answered = asked and _lines([x.response_body for x in alike], kserve_v1.RESPONSE)
    if asked is None or answered is None:
        return None
    try:
        asked_rows = kserve_v1.rows_of_requests(asked)
        answered_rows, versions = kserve_v1.rows_of_responses(answered)
    except (ValueError, RecursionError):
        return None
    if not _are_whole(asked_rows, len(alike)) or not _are_whole(answered_rows, len(alike)):
        return None
    if len(versions) > 1:
        return None
    rows = [*chain.from_iterable(asked_rows)]
    outcomes = [*chain.from_iterable(answered_rows)]
    inputs = from_plain_rows(rows, kserve_v1.ASKED)
    outputs = from_plain_rows(outcomes, kserve_v1.ANSWERED)
    if inputs is None or outputs is None:
        return None
    model, version = named(first.target)
    heads_say = _of_heads(alike, is_known=bool(first.model or model))
    if heads_say is None:
        return None
    return Payload(
        first.model or model or heads_say[0],
        versions.pop() or heads_say[1] or version,
        "",
        inputs,
        outputs,
        len(rows),
        len(outcomes),
        0,
        (first.request_id, first.trace[0] if first.trace else b""),
        (_sizes(asked_rows), _sizes(answered_rows)),
    )


def _of_heads(alike: Sequence[Exchange], is_known: bool) -> tuple[str, str] | None:
    """Model, if it is not known, and version that all their heads name; None: not all the same."""
    # A head that was seen before is one object in all exchanges of a frame.
    heads_seen = {id(x.response_fields): x.response_fields for x in alike}
    versions = {*map(heads.version, heads_seen.values())}
    models = {""} if is_known else {heads.model(x.request_fields, x.response_fields) for x in alike}
    return (models.pop(), versions.pop()) if len(versions) == len(models) == 1 else None


def _lines(bodies: Sequence[Body], opening: bytes) -> bytes | None:
    """The bodies as lines, if all are whole, short, begin with `opening` and are a line each."""
    if None in bodies:
        return None
    heads, tails, skipped = zip(*bodies, strict=True)
    lines = b"\n" + b"\n".join(heads)
    whole = not any(tails) and not any(skipped) and len(lines) <= MAX_BYTES
    if whole and lines.count(b"\n") == lines.count(b"\n" + opening) == len(bodies):
        return lines
    return None


def _are_whole(found: Sequence[Sequence[object]], documents: int) -> bool:
    """Whether these are the rows of so many documents, none of which is without rows."""
    return len(found) == documents and all(found)


def _sizes(found: Sequence[Sequence[object]]) -> Sequence[int]:
    sizes = [*map(len, found)]
    return sizes if max(sizes) > 1 else ()
