"""What is read of the ledger is what it says itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import ROUTE_FIELDS, Caps, Ledger, RouteKey, SeriesKey
from agent.load.readings import TUNNEL, Flow, Reader
from tests.signals.ledgers import KEY, count, set_counter


def test_the_ledger_is_read_without_its_tunnels() -> None:
    ledger = Ledger(2)
    reader = Reader(ledger)
    assert not any(flow.requests for flow in reader.read(6.0).flows.values())
    count(ledger, 0, times=3, duration=0.5)
    count(ledger, 1, key=KEY._replace(status="500"), duration=1.5)
    count(ledger, 1, key=SeriesKey("GET", "/ws", "101", "", "chat"), duration=3600.0)
    set_counter(ledger, "observed", 5)
    set_counter(ledger, "unsampled", 2)
    found = reader.read(7.0)
    used = {key: flow for key, flow in found.flows.items() if flow.requests}
    assert used == {RouteKey(KEY.route, KEY.model): Flow(4, pytest.approx(3.0), 0)}
    assert (found.at, found.answered, found.observed, found.unread) == (7.0, 3, 5, 2)


_KEYS = st.builds(
    SeriesKey,
    st.sampled_from(("GET", "POST")),
    st.sampled_from(("/a", "/b", "/c")),
    st.sampled_from(("200", "204", "404", "101", "502")),
    st.sampled_from(("", "upstream_reset")),
    st.sampled_from(("", "m")),
)


@given(
    st.lists(st.tuples(st.integers(0, 2), _KEYS, st.floats(0, 100), st.integers(0, 9))),
    st.integers(1, 12),
)
def test_it_adds_up_what_the_ledger_adds_up(
    steps: list[tuple[int, SeriesKey, float, int]], rows: int
) -> None:
    """Also where rows come between two readings, and where the tables are full."""
    ledger = Ledger(3, caps=Caps(series=rows, routes=rows))
    reader = Reader(ledger)
    for n, (worker, key, duration, active) in enumerate(steps):
        count(ledger, worker, key=key, duration=duration)
        region = ledger.worker(worker)
        row = region.routes.row(RouteKey(key.route, key.model))
        region.routes.words[row + ROUTE_FIELDS.index("active")] = active
        if n % 3 == 0:
            reader.read(0.0)
    found = reader.read(1.0)
    series = ledger.series()
    tunnels = {RouteKey(key.route, key.model) for key in series if key.status == TUNNEL}
    assert not tunnels & found.flows.keys()
    for route, flow in found.flows.items():
        mine = [one for key, one in series.items() if (key.route, key.model) == route]
        assert flow.requests == sum(sum(one.counts) for one in mine)
        assert flow.seconds == pytest.approx(sum(one.sum for one in mine))
        assert flow.active == ledger.route_counts("active").get(route, 0)
    answered = [one for key, one in series.items() if key.status[0:1] == "2"]
    assert found.answered == sum(sum(one.counts) for one in answered)
