"""Every transaction is counted once, and what its bodies hold is given back to the budget once."""

from __future__ import annotations

from types import SimpleNamespace

from agent.proxy.account import Accountant
from agent.proxy.capture import Capture
from agent.proxy.routes import Route
from agent.proxy.transaction import Transaction
from tests.proxy.bus_worker import Worker


def test_what_the_bodies_hold_is_given_back_exactly():
    """Whatever of a tail is more than its half goes with the record's making, and only then."""
    worker = Worker()
    accountant = Accountant(worker.region, worker.bus)
    for n in range(3):
        tx = Transaction(SimpleNamespace(peer=""), b"POST", b"/", "1.1", [], 1.0, 1)
        tx.route, tx.status, tx.capture = Route("/", ""), 200, "full"
        accountant.begin(tx)
        tx.request_copy, tx.response_copy = Capture(worker.budget, 10), Capture(worker.budget, 10)
        for piece in (b"01234", b"56789", b"abc", b"defg"):
            tx.request_copy.add(piece)
        accountant.end(tx)
        worker.loop.pass_time()
        assert worker.budget.used == 0, n
