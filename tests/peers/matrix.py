"""The transparency matrix: what each proxy changes in the messages of `rows` and `dialogs`.

Run by `python -m tests.peers.matrix`, which writes docs/transparency.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent import __version__
from tests.harness import ROOT, Outrider
from tests.peers import compare, dialogs, peers
from tests.peers.rows import REQUESTS, RESPONSES, Row
from tests.peers.talk import Origin, Talk, read_requests, read_responses, talk
from tests.wire import DEADLINE, request, response

DOCUMENT = ROOT / "docs" / "transparency.md"
WAIT = 5.0
"""Seconds of silence after which a row counts as unanswered."""
PLAIN = Row("what is added", request(), response(b"ok"))
HEADINGS = {"Requests": REQUESTS, "Responses": RESPONSES}

Address = tuple[str, int]


class Usual(NamedTuple):
    """The names that a proxy adds to every message."""

    to_requests: set[bytes]
    to_responses: set[bytes]

    def __str__(self) -> str:
        sides = [" ".join(sorted(name.decode() for name in names)) for names in self]
        return " / ".join(f"`{side}`" if side else "nothing" for side in sides)


def exchange(address: Address, origin: Origin, row: Row) -> Talk:
    """The row's conversation, until the client has its answer."""
    method = row.sent.split(b" ", 1)[0]

    def done(told: Talk) -> bool:
        found, _ = read_responses(told.got, [method])
        return bool(found) and (found[0].framing != "close" or bool(told.ended))

    return talk(address, origin, row.sent, lambda _: row.answer, done, WAIT)


def usual(address: Address, origin: Origin) -> Usual:
    """What this proxy adds to a plain exchange."""
    told = exchange(address, origin, PLAIN)
    [asked], _ = read_requests(PLAIN.sent)
    [given], _ = read_responses(PLAIN.answer, [b"GET"])
    [got], _ = read_responses(told.got, [b"GET"])
    return Usual(
        compare.added(asked.fields, told.seen[0].fields),
        compare.added(given.fields, got.fields),
    )


def cell(address: Address, origin: Origin, row: Row, known: Usual, strict: bool) -> str:
    """What the proxy changed in the row's exchange; empty if nothing."""
    told = exchange(address, origin, row)
    method = row.sent.split(b" ", 1)[0]
    got, rest = read_responses(told.got, [method])
    if not told.seen:
        if told.malformed:
            return "passed on malformed"
        if not got:
            return "no answer"
        return f"{'refused' if got[0].status >= 400 else 'answered'}: {got[0].status}"
    [asked], _ = read_requests(row.sent)
    changes = compare.requests(asked, told.seen[0], known.to_requests, strict or row.strict)
    if not got:
        changes.append("the answer is cut" if rest else "no answer")
    else:
        [given], _ = read_responses(row.answer, [method])
        changes += compare.responses(given, got[0], known.to_responses, strict or row.strict)
    return "; ".join(dict.fromkeys(changes))


def column(
    address: Address, origin: Origin, strict: bool = False, patience: float = dialogs.PATIENCE
) -> dict[str, str]:
    """The proxy's whole column, by `section: title`."""
    known = usual(address, origin)
    cells = {f"Additions: {PLAIN.title}": str(known)}
    for heading, rows in HEADINGS.items():
        for row in rows:
            name = f"{heading}: {row.title}"
            assert name not in cells, name
            cells[name] = cell(address, origin, row, known, strict)
    for name in dialogs.DIALOGS:
        cells[f"Order: {name}"] = dialogs.run(name, address, origin, patience)
    return cells


# ---- the document

HEAD = """\
# What a proxy changes in a message

Written by `python -m tests.peers.matrix`; `tests/peers/test_transparency.py` holds Outrider to it.

Each row is one exchange between a raw client and a raw origin, compared byte for byte at both
ends. An empty cell: nothing was changed. Not counted are the fields of one connection (RFC 9110
section 7.6.1), the sizes of chunks, and, but for the first row, what a proxy adds to every message.
The spelling and the order of names are judged in the rows that ask for them; of Outrider in all.
nginx, HAProxy, Envoy and Caddy run with streaming and keep-alive on and with their defaults
otherwise (`tests/peers/peers.py`): many a refusal below is a limit that can be set.

Beside the messages that pass, Outrider opens connections to see whether the model server listens,
and asks it with a few GETs of its own for names and versions (`metadata.ask`, see
[formats.md](formats.md#names-and-versions)).

"""


def table(columns: dict[str, dict[str, str]]) -> str:
    """The document, with one column for each proxy (its name with version)."""
    lines = [HEAD + "| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    names = next(iter(columns.values()))
    for name in names:
        cells = [one[name].replace("|", "\\|") for one in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    counted = [sum(map(bool, [*one.values()][1:])) for one in columns.values()]
    total = f"**rows with a change, of {len(names) - 1}**"
    lines.append(f"| {total} | " + " | ".join(f"**{count}**" for count in counted) + " |")
    lines += ["", "What Outrider changes, and why:", ""]
    lines += [
        f"- {heading}: {row.title}: {row.documented} ({row.why})"
        for heading, rows in HEADINGS.items()
        for row in rows
        if row.documented
    ]
    return "\n".join(lines) + "\n"


def documented() -> dict[str, str]:
    """Outrider's column as it is meant to be, but for its first row."""
    meant = {
        f"{heading}: {row.title}": row.documented
        for heading, rows in HEADINGS.items()
        for row in rows
    }
    return meant | {f"Order: {name}": "" for name in dialogs.DIALOGS}


def committed() -> dict[str, dict[str, str]]:
    """The columns of the document as it stands."""
    rows = [
        [one.strip().replace("\\|", "|") for one in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| ")
    ]
    names, *cells = rows
    return {name: {row[0]: row[at] for row in cells[:-1]} for at, name in enumerate(names) if at}


def main() -> None:
    """Writes the document."""
    columns = {}
    with Origin() as origin, Outrider(f"http://127.0.0.1:{origin.port}") as proxy:
        columns[f"Outrider {__version__}"] = column(
            proxy.address, origin, strict=True, patience=DEADLINE
        )
    for name in peers.NAMES:
        with Origin() as origin, peers.Peer(name, origin.port) as peer:
            columns[f"{name} {peers.version(name)}"] = column(peer.address, origin)
    DOCUMENT.write_text(table(columns))


if __name__ == "__main__":
    main()
