"""The state machine and what destinations are told, over any history."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.alerts.state import KEEP, MAX_EACH, MEMORY, QUIETS, SETTLE, Alert, Alerts, Found, Phase
from agent.alerts.telling import Item, Kind, Pace, Telling

REPEAT, GROUP, LIMIT, PERIOD = 100.0, 10.0, 4, 600.0
PACE = Pace(REPEAT, GROUP, LIMIT, PERIOD)


def found(column: str = "x", *, name: str = "ModelInputDrift", hold: float = 0.0) -> Found:
    return Found(name, "warning", (("column", column),), f"{column} drifts", "by 3", hold)


def never(_: Alert) -> bool:
    return False


def always(_: Alert) -> bool:
    return True


def phases(alerts: Alerts) -> list[Phase]:
    return [alert.phase for alert in alerts.all()]


def test_it_fires_when_it_was_so_for_its_time() -> None:
    alerts = Alerts()
    for at in (0, 5, 9):
        alerts.look(at, [found(hold=10)], always)
        assert phases(alerts) == [Phase.PENDING]
    alerts.look(10, [found(hold=10)], always)
    assert phases(alerts) == [Phase.FIRING]


def test_a_gap_begins_the_wait_anew() -> None:
    alerts = Alerts()
    alerts.look(0, [found(hold=10)], always)
    alerts.look(5, [], always)
    assert alerts.all() == []
    alerts.look(6, [found(hold=10)], always)
    alerts.look(12, [found(hold=10)], always)
    assert phases(alerts) == [Phase.PENDING]


def test_who_flaps_must_be_quiet_ever_longer() -> None:
    alerts, now = Alerts(), 0.0
    for quiet in (*QUIETS, QUIETS[-1]):
        alerts.look(now, [found()], always)
        assert phases(alerts) == [Phase.FIRING]
        if quiet:
            alerts.look(now + quiet - 1, [], always)
            assert phases(alerts) == [Phase.FIRING]
        now += max(quiet, 1.0)
        alerts.look(now, [], always)
        assert phases(alerts) == [Phase.OVER]
        now += 1
    alerts.look(now + MEMORY, [found()], always)
    alerts.look(now + MEMORY + 1, [], always)
    assert phases(alerts) == [Phase.OVER], "after a long calm it is as it was at first"


def test_what_is_beyond_the_bound_is_one_alert_that_says_so() -> None:
    alerts = Alerts()
    alerts.look(0, [found(f"c{n}") for n in range(MAX_EACH + 450)], always)
    assert len(alerts.all()) == MAX_EACH + 1
    [other] = [alert for alert in alerts.all() if alert.labels == (("other", "other"),)]
    assert other.is_firing
    assert other.summary.startswith("450 more of ModelInputDrift")
    alerts.look(5, [found(f"c{n}") for n in range(MAX_EACH)], always)
    assert not other.is_firing


def test_after_a_start_what_fired_is_not_called_over_at_once() -> None:
    before = Alerts()
    before.look(0, [found()], always)
    after = Alerts(before.all(), now=100)
    after.look(100, [], always)
    assert phases(after) == [Phase.FIRING]
    after.look(100 + SETTLE, [], always)
    assert phases(after) == [Phase.OVER]


def test_one_that_nobody_could_be_told_of_is_kept_a_day_and_then_counted() -> None:
    alerts = Alerts()
    alerts.look(0, [found()], never)
    alerts.look(1, [], never)
    alerts.look(KEEP, [], never)
    assert phases(alerts) == [Phase.OVER]
    alerts.look(KEEP + 1, [], never)
    assert alerts.all() == []
    assert alerts.lost == 1


def test_a_clock_that_is_set_back_holds_up_neither_the_beginning_nor_the_end() -> None:
    alerts, telling = Alerts(), Telling(PACE)
    alerts.look(10_000, [found(hold=10)], always)
    alerts.look(100, [found(hold=10)], always)
    alerts.look(110, [found(hold=10)], always)
    assert phases(alerts) == [Phase.FIRING]
    assert telling.due(10_000, alerts.all()) == []
    assert telling.due(110, alerts.all()) == []
    assert telling.due(110 + GROUP, alerts.all())
    alerts.look(120, [], always)
    assert phases(alerts) == [Phase.OVER]


def test_what_fired_and_was_over_while_the_destination_was_away_is_told_later() -> None:
    alerts, telling = Alerts(), Telling(Pace())
    alerts.look(0, [found()], telling.is_told)
    alerts.look(9, [], telling.is_told)
    alerts.look(MEMORY * 2, [], telling.is_told)
    [item] = telling.due(MEMORY * 2, alerts.all())
    assert (item.kind, item.fired, item.ended) == (Kind.WAS, 0, 9)
    telling.tell(MEMORY * 2, [item])
    assert telling.due(MEMORY * 2, alerts.all()) == []
    alerts.look(MEMORY * 2 + 1, [], telling.is_told)
    assert alerts.all() == []


def test_reminders_come_together_once_in_the_repeat_time() -> None:
    alerts, telling = Alerts(), Telling(Pace(repeat=100))
    reminded = []
    for now in range(1000):
        alerts.look(now, [found(f"c{n}") for n in range(50) if n <= now], telling.is_told)
        items = telling.due(now, alerts.all())
        if any(item.kind is Kind.STILL for item in items):
            reminded.append((now, len(items)))
        if items:
            telling.tell(now, items)
    assert len(reminded) <= 10
    assert reminded[-1][1] == 50


def test_a_limit_holds_news_back_and_tells_them_together() -> None:
    alerts, telling = Alerts(), Telling(Pace(messages=2, period=100))
    sent = []
    for now in range(150):
        alerts.look(now, [found(f"c{n}") for n in range(40) if n <= now], telling.is_told)
        items = telling.due(now, alerts.all())
        if items:
            sent.append((now, len(items)))
            telling.tell(now, items)
    assert sent == [(0, 1), (1, 1), (100, 38)]


class Machine(RuleBasedStateMachine):
    """Any conditions, any outages, restarts; one destination, judged by what it hears."""

    @initialize()
    def begin(self) -> None:
        self.now = 1000.0
        self.alerts, self.telling = Alerts(), Telling(PACE)
        self.heard: dict[tuple[str, ...], list[tuple[float, Item]]] = defaultdict(list)
        self.messages: list[float] = []
        self.fired: set[tuple[str, ...]] = set()

    def _look(self, columns: set[int]) -> None:
        before = {a.key: a.number for a in self.alerts.all()}
        self.alerts.look(
            self.now, [found(f"c{n}", hold=5.0 * (n % 2)) for n in columns], self.telling.is_told
        )
        for alert in self.alerts.all():
            if alert.number > before.get(alert.key, 0):
                self.fired.add(alert.key)

    def _tell(self) -> None:
        items = self.telling.due(self.now, self.alerts.all())
        if items:
            self.messages.append(self.now)
            for item in items:
                self.heard[item.key].append((self.now, item))
            self.telling.tell(self.now, items)

    @rule(
        columns=st.sets(st.integers(0, 5)),
        steps=st.integers(1, 20),
        away=st.booleans(),
    )
    def passes(self, columns: set[int], steps: int, away: bool) -> None:
        for _ in range(steps):
            self.now += 5
            self._look(columns)
            if not away:
                self._tell()

    @rule(seconds=st.floats(1, 2 * MEMORY))
    def sleeps(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def floods(self) -> None:
        self.now += 5
        self._look(set(range(3 * MAX_EACH)))

    @rule()
    def restarts(self) -> None:
        self.alerts = Alerts(self.alerts.all(), self.now)
        self.telling = Telling(PACE, self.telling.known())

    @invariant()
    def never_two_firings_without_an_end_or_the_repeat_time_between(self) -> None:
        for heard in getattr(self, "heard", {}).values():
            for (then, first), (now, second) in pairwise(heard):
                assert first.is_over or second.is_over or now - then >= REPEAT
                assert not (first.is_over and second.kind is Kind.OVER)

    @invariant()
    def it_is_bounded(self) -> None:
        if hasattr(self, "alerts"):
            assert len(self.alerts.all()) <= MAX_EACH + 1
            assert len(self.telling.known().told) <= 2 * (MAX_EACH + 1)

    @invariant()
    def never_more_messages_than_the_limit(self) -> None:
        for first, last in zip(
            getattr(self, "messages", []), getattr(self, "messages", [])[LIMIT:], strict=False
        ):
            assert last - first >= PERIOD

    def teardown(self) -> None:
        """Nothing is lost: given time, what it believes is what is so, and it heard of all."""
        if not hasattr(self, "alerts"):
            return
        for _ in range(3):
            self.now += PERIOD + GROUP + SETTLE + QUIETS[-1]
            self._look({0})
            self._tell()
            self.now += GROUP
            self._tell()
        firing = {alert.key for alert in self.alerts.firing()}
        believed = {key for key, heard in self.heard.items() if not heard[-1][1].is_over}
        assert believed == firing
        assert self.alerts.lost == 0 or self.now > KEEP
        assert self.alerts.lost or self.fired == self.heard.keys()


Machine.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase


@given(st.lists(st.sets(st.integers(0, 3)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_with_a_destination_that_is_there_each_firing_is_told_once(history) -> None:
    alerts, telling, told = Alerts(), Telling(Pace()), []
    for step, columns in enumerate(history):
        alerts.look(step * 5.0, [found(f"c{n}") for n in columns], telling.is_told)
        items = telling.due(step * 5.0, alerts.all())
        told += [item.number for item in items if item.kind is Kind.FIRING]
        telling.tell(step * 5.0, items)
    assert len(set(told)) == len(told)
    assert len(told) == max([alert.number for alert in alerts.all()], default=0)
