"""What any of nginx, HAProxy, Envoy and Caddy changes in a message, Outrider does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness import Outrider
from tests.peers import compare, dialogs, matrix, peers
from tests.peers.talk import Origin
from tests.wire import DEADLINE, Message

ROWS = {f"{heading}: {row.title}": row for heading, rows in matrix.HEADINGS.items() for row in rows}
ADDED = matrix.Usual(
    {b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-request-id"},
    {b"via", b"x-request-id"},
)
"""The contract's, and no other."""

RACES = {
    "caddy": {f"Order: {name}" for name in dialogs.DIALOGS if "Expect" in name}
    | {"Requests: an underscore in a name"}
}
"""Caddy's own 100 goes out while the origin answers: either may be first. It drops a field with an
underscore in its name in some runs and not in others (2.11.7)."""


@pytest.fixture(scope="module")
def ends() -> Iterator[tuple[tuple[str, int], Origin]]:
    with Origin() as origin, Outrider(f"http://127.0.0.1:{origin.port}") as proxy:
        yield proxy.address, origin


def test_what_is_added_is_the_contracts(ends):
    assert matrix.usual(*ends) == ADDED


@pytest.mark.parametrize("title", ROWS)
def test_a_message_passes_unchanged(ends, title):
    row = ROWS[title]
    assert matrix.cell(*ends, row, ADDED, strict=True) == row.documented


@pytest.mark.parametrize("title", dialogs.DIALOGS)
def test_nothing_waits_for_what_comes_after_it(ends, title):
    assert dialogs.run(title, *ends, DEADLINE) == ""


FIELDS = [(b"X-A", b"1"), (b"X-B", b""), (b"X-A", b"2")]
CHANGES = {
    "`x-a` joined into one": [(b"X-A", b"1, 2"), (b"X-B", b"")],
    "`x-a`: 1 of 2 left": [(b"X-A", b"2"), (b"X-B", b"")],
    "`x-b` gone": [(b"X-A", b"1"), (b"X-A", b"2")],
    "`x-b` changed": [(b"X-A", b"1"), (b"X-B", b" "), (b"X-A", b"2")],
    "`x-c` added": [*FIELDS, (b"X-C", b"")],
    "names respelled": [(b"X-A", b"1"), (b"x-b", b""), (b"X-A", b"2")],
    "reordered": [(b"X-A", b"1"), (b"X-A", b"2"), (b"X-B", b"")],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_field_is_seen(change):
    assert compare.fields(FIELDS, CHANGES[change], (), strict=True) == [change]


def test_a_changed_line_body_or_trailer_is_seen():
    one = Message(b"POST /%2F HTTP/1.1", [], b"a", [(b"X", b"1")], "chunked")
    for other, change in (
        (replace(one, start=b"PUT /%2F HTTP/1.1"), "method PUT"),
        (replace(one, start=b"POST // HTTP/1.1"), "target `//`"),
        (replace(one, body=b""), "body changed"),
        (replace(one, trailers=[]), "trailers gone"),
        (replace(one, framing="length"), "chunked became length"),
    ):
        assert compare.requests(one, other, (), strict=True) == [change]
    one = Message(b"HTTP/1.1 200 Fine", interim=[Message(b"HTTP/1.1 103 Early Hints")])
    for other, change in (
        (replace(one, start=b"HTTP/1.1 201 Fine"), "status 201"),
        (replace(one, start=b"HTTP/1.1 200 OK"), "reason 'OK'"),
        (replace(one, interim=[]), "interim none"),
    ):
        assert compare.responses(one, other, (), strict=True) == [change]


def test_the_document_is_current():
    """`python -m tests.peers.matrix` writes it anew."""
    columns = matrix.committed()
    [name] = [name for name in columns if name.startswith("Outrider")]
    first, *cells = columns[name].items()
    assert first == (f"Additions: {matrix.PLAIN.title}", str(ADDED))
    assert dict(cells) == matrix.documented()
    assert matrix.table(columns) == matrix.DOCUMENT.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("peer", [pytest.param(n, marks=pytest.mark.needs(n)) for n in peers.NAMES])
def test_a_peers_column_is_what_it_does(peer):
    """Where it is the version that the document names; of others no more is asked than to run."""
    written = matrix.committed()
    column = written.get(f"{peer} {peers.version(peer)}")
    for patience in (dialogs.PATIENCE, DEADLINE):
        with Origin() as origin, peers.Peer(peer, origin.port) as running:
            seen = matrix.column(running.address, origin, patience=patience)
        assert [*seen] == [*next(iter(written.values()))]
        changed = {name for name, text in seen.items() if column and text != column[name]}
        if changed <= RACES.get(peer, set()):
            return
    assert not changed
