"""What any of nginx, HAProxy, Envoy and Caddy changes in a message, Outrider does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Outrider
from tests.peers import dialogs, matrix, peers
from tests.peers.rows import Row
from tests.peers.talk import Origin
from tests.wire import request, response

ROWS = {f"{heading}: {row.title}": row for heading, rows in matrix.HEADINGS.items() for row in rows}
ADDED = matrix.Usual(
    {b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-request-id"},
    {b"via", b"x-request-id"},
)
"""The contract's, and no other."""

RACES = {"caddy": {f"Order: {name}" for name in dialogs.DIALOGS if "Expect" in name}}
"""Caddy's own 100 goes out while the origin answers: either may be first."""


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
    assert dialogs.run(title, *ends) == ""


def test_a_change_would_be_seen(ends):
    """The comparison is not blind: another message than was sent is told in words."""
    asked = request(b"POST", b"/a", b"X-A: 1", b"X-A: 2", body=b"body")
    given = response(b"body", b"Set-Cookie: a", b"X-B: 1", status=b"200 Fine")
    other = response(b"bod", b"x-b: 1", b"Set-Cookie: b", b"X-C: 1")

    def change(address, origin, row):
        told = kept(address, origin, row)
        told.seen[0].start = b"POST /b HTTP/1.1"
        told.seen[0].fields[1:3] = [(b"x-a", b"1, 2")]
        told.got = other
        return told

    kept = matrix.exchange
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "exchange", change)
        told = matrix.cell(*ends, Row("", asked, given), ADDED, strict=True)
    for word in ("target `/b`", "`x-a` joined", "reason 'OK'", "`set-cookie` changed",
                 "`content-length` changed", "body changed"):  # fmt: skip
        assert word in told or "more changes" in told, told
    assert "reason 'OK'" in told
    assert "body changed" in told


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
    with Origin() as origin, peers.Peer(peer, origin.port) as running:
        seen = matrix.column(running.address, origin)
    written = matrix.committed()
    column = written.get(f"{peer} {peers.version(peer)}")
    assert [*seen] == [*next(iter(written.values()))]
    if column is not None:
        changed = {name for name, text in seen.items() if text != column[name]}
        assert changed <= RACES.get(peer, set())
