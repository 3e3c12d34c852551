"""Bounded copies of bodies: whatever comes in whatever pieces, bounds and budget hold."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.proxy.capture import Budget, Capture

AMPLE = 1 << 30
pieces = st.lists(st.binary(max_size=40), max_size=20)
limits = st.integers(0, 60)


@given(pieces=pieces, limit=limits)
@example(pieces=[b"0123456789", b"abcdefghij"], limit=1)
@example(pieces=[b"0123456789", b"abcdefghij"], limit=0)
@example(pieces=[b"01234", b"56789", b"abcdef"], limit=10)
@example(pieces=[b"0123456789abcdef"], limit=10)
def test_a_copy_is_the_bodys_head_and_tail_and_says_how_much_is_missing(pieces, limit):
    budget = Budget(AMPLE)
    capture = Capture(budget, limit)
    whole = b""
    for piece in pieces:
        capture.add(piece)
        whole += piece
        assert capture.held <= limit + limit // 2
        assert budget.used == capture.held
    head, tail, skipped = capture.body()
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + len(tail) + skipped == len(whole)
    assert len(head) + len(tail) == capture.held == budget.used <= limit
    if len(whole) <= limit:
        assert (head, tail, skipped) == (whole, b"", 0)
    else:
        assert len(tail) == limit // 2
        assert len(head) == limit - limit // 2
    assert not capture.failed


@given(pieces=pieces, limit=limits, given_up=st.booleans())
def test_the_budget_gets_back_what_was_held(pieces, limit, given_up):
    budget = Budget(AMPLE)
    assert budget.take(7)
    capture = Capture(budget, limit)
    for piece in pieces:
        capture.add(piece)
    if given_up:
        capture.give_up()
        capture.give_up()
    else:
        budget.give(capture.held)
    assert budget.used == 7


@given(pieces=pieces, limit=limits, room=st.integers(0, 80), unsent=st.integers(0, 20))
@example(pieces=[b"abcd"], limit=3, room=1, unsent=0)
def test_a_spent_budget_costs_the_copy_and_nothing_else(pieces, limit, room, unsent):
    budget = Budget(room)
    budget.unsent = unsent
    capture = Capture(budget, limit)
    failed = False
    for piece in pieces:
        capture.add(piece)
        assert budget.used == capture.held
        assert not budget.used or budget.used + unsent <= room
        assert capture.failed or not failed, "a copy that was given up stays so"
        failed = capture.failed
    if failed:
        assert (capture.held, budget.used) == (0, 0)
        assert capture.body()[:2] == (b"", b"")
    else:
        head, tail, skipped = capture.body()
        assert len(head) + len(tail) + skipped == sum(map(len, pieces))


def test_a_copy_that_was_given_up_keeps_no_byte():
    capture = Capture(Budget(AMPLE), 10)
    capture.add(b"0123456789abcdef")
    capture.give_up()
    assert capture.body()[:2] == (b"", b"")
    capture.add(b"more")
    assert capture.body()[:2] == (b"", b"")


def test_two_copies_share_one_budget():
    budget = Budget(10)
    one, other = Capture(budget, 100), Capture(budget, 100)
    one.add(b"123456")
    other.add(b"1234")
    assert [one.failed, other.failed] == [False, False]
    one.add(b"7")
    assert one.failed
    assert budget.used == 4
    other.add(b"567890")
    assert other.body() == (b"1234567890", b"", 0)


@pytest.mark.parametrize(("used", "unsent", "size", "fits"), [
    (0, 0, 10, True), (0, 0, 11, False), (4, 6, 0, True), (4, 5, 1, True), (4, 6, 1, False),
    (0, 11, 0, False),
])  # fmt: skip
def test_the_budget_is_spent_to_the_last_byte_and_no_further(used, unsent, size, fits):
    budget = Budget(10)
    budget.used, budget.unsent = used, unsent
    assert budget.take(size) is fits
    assert budget.used == used + size * fits
