"""Routes of the last hour: exact differences, the busiest first."""

from __future__ import annotations

from agent.history.routes import EVERY, KEPT, Routes
from agent.ledger import Caps, Ledger
from tests.signals.ledgers import KEY, count

OTHER = KEY._replace(route="/other", model="")


class World:
    def __init__(self, is_new: bool = True) -> None:
        self.now = 0.0
        self.ledger = Ledger(2, caps=Caps(16, 16))
        self.is_new = is_new

    def routes(self) -> Routes:
        return Routes(self.ledger, self.is_new, lambda: self.now)


def told(routes: Routes) -> dict[str, tuple[int, int]]:
    return {one.key.route: (one.requests, one.errors) for one in routes.last_hour()[1]}


def test_of_all_workers_and_statuses_together() -> None:
    world = World()
    count(world.ledger, 0, times=3)
    routes = world.routes()
    count(world.ledger, 1, times=2)
    count(world.ledger, 1, key=KEY._replace(status="500"), duration=0.3, times=2)
    count(world.ledger, 0, key=OTHER._replace(status="404"), times=9)
    assert [*told(routes).items()] == [("/other", (9, 0)), (KEY.route, (7, 2))]
    [_, found] = routes.last_hour()[1]
    assert 0.01 < (found.durations.percentile(0.5) or 0) <= 0.025
    assert 0.25 < (found.durations.percentile(0.99) or 0) <= 0.5


def test_what_another_observer_saw_does_not_count_again() -> None:
    world = World(is_new=False)
    count(world.ledger, times=1000)
    routes = world.routes()
    assert told(routes) == {}
    count(world.ledger)
    assert told(routes) == {KEY.route: (1, 0)}


def test_an_hour_is_all_and_new_routes_come_in() -> None:
    world = World()
    routes = world.routes()
    count(world.ledger, times=50)
    for n in range(3 * KEPT):
        world.now += EVERY
        routes.look()
        assert routes.last_hour()[0] <= (KEPT - 1) * EVERY
        if n == 2 * KEPT:
            count(world.ledger, key=OTHER, times=4)
    assert told(routes) == {"/other": (4, 0)}
