"""What a courier does with a destination that is slow, away, or at fault."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
import pytest

from agent.alerts.alarms import Alarms, Kept, read
from agent.alerts.courier import FAILED, REJECTED, RETRIED, SENT, Courier
from agent.alerts.state import Alert, Alerts, Found, Phase
from agent.alerts.telling import Item, Kind, Pace, Telling
from agent.ship.outcome import OK, Outcome, reject, retry
from tests.ship.sinks import run, until

LOG = logging.getLogger("outrider.test")


class Fake:
    """Answers by a list, the last one for ever after; keeps what it was told."""

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers) or [OK]
        self.told: list[list[Item]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.closed = False

    async def push(self, items: Sequence[Item], now: float) -> Outcome:
        self.told.append(list(items))
        await self.go.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


def found(name: str = "x") -> Found:
    return Found("ModelInputDrift", "warning", (("column", name),), name, "", 0.0)


class World:
    """One courier, one set of alerts, a clock of their own."""

    def __init__(self, fake: Fake, pace: Pace = Pace(), timeout: float = 30) -> None:  # noqa: B008
        self.fake, self.now = fake, 1000.0
        self.alerts = Alerts()
        self.courier = Courier(
            "ops", "slack", fake, Telling(pace), timeout, LOG,
            clock=lambda: self.now, jitter=lambda: 0.0,
        )  # fmt: skip

    async def look(self, *names: str) -> None:
        """So much is so; then whatever can happen has."""
        self.now += 5
        self.alerts.look(self.now, map(found, names), self.courier.telling.is_told)
        self.courier.step(self.now, self.alerts.all())
        for _ in range(5):
            await asyncio.sleep(0)

    def skip_pause(self) -> None:
        self.courier._not_before = 0.0


def test_what_happens_while_one_is_under_way_comes_in_the_next() -> None:
    async def go() -> None:
        world = World(Fake())
        world.fake.go.clear()
        await world.look("a")
        await world.look("a", "b")
        await world.look("a", "c")
        assert len(world.fake.told) == 1
        world.fake.go.set()
        await until(lambda: world.courier.counts[SENT] == 1)
        await world.look("a", "c")
        assert [(item.summary, item.kind) for item in world.fake.told[1]] == [
            ("c", Kind.FIRING),
            ("b", Kind.WAS),
        ]

    run(go())


def test_one_that_is_away_is_tried_again_with_what_is_so_by_then(caplog) -> None:
    async def go() -> None:
        world = World(Fake(retry("status 503", 60.0), retry("timeout"), OK))
        await world.look("a")
        await world.look("a")
        assert len(world.fake.told) == 1, "not before the pause is over"
        assert world.courier.away == "status 503"
        assert world.courier.last_error == "1970-01-01T00:16:45Z status 503"
        world.skip_pause()
        await world.look("a", "b")
        world.skip_pause()
        await world.look("b")
        assert [len(told) for told in world.fake.told] == [1, 2, 2]
        assert {item.summary: item.kind for item in world.fake.told[2]} == {
            "a": Kind.WAS,
            "b": Kind.FIRING,
        }
        assert world.courier.counts == {SENT: 1, RETRIED: 2, REJECTED: 0, FAILED: 0}
        assert world.courier.away == ""

    with caplog.at_level(logging.INFO):
        run(go())
    assert [record.message for record in caplog.records] == [
        "alerts do not get through",
        "alerts get through again",
    ]


def test_pauses_grow_to_five_minutes_and_heed_the_receiver() -> None:
    async def go() -> None:
        world = World(Fake(retry("x")))
        world.courier._jitter = lambda: 1.0
        loop = asyncio.get_running_loop()
        waits = []
        for _ in range(12):
            world.skip_pause()
            await world.look("a")
            waits.append(round(world.courier._not_before - loop.time()))
        assert waits[:4] == [1, 2, 4, 8]
        assert waits[-1] == 300
        world.fake.answers = [retry("x", 1000.0)]
        world.skip_pause()
        await world.look("a")
        assert round(world.courier._not_before - loop.time()) == 1000
        world.fake.answers = [retry("x", 1e9)]
        world.skip_pause()
        await world.look("a")
        assert round(world.courier._not_before - loop.time()) == 3600

    run(go())


@pytest.mark.parametrize(
    ("answer", "outcome"), [(reject("status 400"), REJECTED), (ValueError("ours"), FAILED)]
)
def test_what_is_refused_is_given_up_and_counted(answer: Outcome | Exception, outcome: str) -> None:
    async def go() -> None:
        world = World(Fake(answer, OK))
        await world.look("a")
        await world.look("a")
        assert len(world.fake.told) == 1
        assert world.courier.counts[outcome] == 1
        assert world.courier.last_error
        await world.look()
        assert [item.kind for item in world.fake.told[1]] == [Kind.OVER]

    run(go())


def test_a_slow_one_is_given_up_after_its_time() -> None:
    async def go() -> None:
        world = World(Fake(), timeout=0.01)
        world.fake.go.clear()
        await world.look("a")
        await until(lambda: world.courier.counts[RETRIED] == 1)
        assert world.courier.away == "timeout"

    run(go())


def test_at_the_end_what_waits_for_others_is_told_at_once() -> None:
    async def go() -> None:
        world = World(Fake(), Pace(group=30))
        await world.look("a")
        assert world.fake.told == []
        await world.courier.stop(world.now, world.alerts.all(), 5)
        assert len(world.fake.told) == 1
        assert world.fake.closed

    run(go())


def test_at_the_end_a_slow_one_is_not_waited_for() -> None:
    async def go() -> None:
        world = World(Fake())
        world.fake.go.clear()
        await world.look("a")
        await world.courier.stop(world.now, world.alerts.all(), 0.01)
        assert world.fake.closed
        assert len(world.fake.told) == 1

    run(go())


def test_what_is_kept_is_read_again_and_nothing_is_told_twice() -> None:
    async def go() -> None:
        world = World(Fake())
        alarms = Alarms([world.courier], (), None, world.now)
        alarms._alerts = world.alerts
        await world.look("a")
        data = alarms.unsaved()
        assert data is not None
        assert alarms.unsaved() is None, "nothing is new"
        kept = read(data)
        again = World(Fake())
        again.now = world.now
        again.alerts = Alerts(kept.alerts, world.now)
        again.courier.telling = Telling(Pace(), kept.told["ops"])
        await again.look("a")
        await again.look()
        assert again.fake.told == [], "neither that it fires nor, so soon, that it is over"

    run(go())


@pytest.mark.parametrize("bad", [b"", b"{}", b"[]", b'{"format":2,"alerts":[],"told":{}}', b"\xff"])
def test_a_damaged_file_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(bad)


@pytest.mark.parametrize("at", [1e300, -1.0])
def test_times_that_are_none_are_refused(at: float) -> None:
    """Else no page could be made of what fires."""
    alert = Alert("A", "warning", (), "s", "d", Phase.FIRING, 1.0, 1, fired=at)
    data = msgspec.json.encode(Kept(1, [alert], {}))
    with pytest.raises(ValueError, match="times"):
        read(data)
