"""What the ledger counted is in the steps once, whoever looks, and a pause is no peak."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.history.recorder import MAX_GAP, STEP, STEPS, Recorder
from agent.history.sums import AT, Reader, kind_of
from agent.ledger import OBSERVER, Caps, Ledger
from tests.signals.ledgers import KEY, count, set_counter

NOON = 1_800_000_000 // STEP * STEP
FAILED = KEY._replace(status="502", error="upstream_connect")
GONE = KEY._replace(status="499", error="client_abort")


@dataclass
class World:
    """A ledger, two clocks and who records; the wall's clock is `set_by` seconds off."""

    now: float = NOON
    set_by: float = 0.0
    ledger: Ledger = field(default_factory=lambda: Ledger(1, caps=Caps(8, 8)))
    counted: int = 0

    def __post_init__(self) -> None:
        self.recorder = self.another()

    def another(self) -> Recorder:
        return Recorder(self.ledger, self.clock, steady=lambda: self.now)

    def clock(self) -> float:
        return self.now + self.set_by

    def requests(self, times: int) -> None:
        count(self.ledger, times=times)
        self.counted += times

    def run(self, seconds: float, a_second: int = 0) -> None:
        """Time passes; who records looks each second."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1)
            self.requests(a_second)
            self.ledger.observer[OBSERVER["heartbeat"]] += 1
            self.recorder.look()

    def steps(self, steps: int = STEPS) -> list[int]:
        span = self.recorder.span(steps)
        return [self.recorder.reader.totals(row, 60).requests for row in span.rows]

    def restart(self, kept: bool = True) -> None:
        before = self.recorder.kept()
        self.recorder = self.another()
        if kept:
            self.recorder.resume(before)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        ("200", "", 0), ("404", "", 1), ("499", "client_abort", 1), ("200", "client_abort", 1),
        ("500", "", 2), ("502", "upstream_connect", 2), ("200", "upstream_reset", 2),
        ("413", "limit", 1), ("503", "limit", 2), ("301", "", 0), ("", "", 0),
    ],
)  # fmt: skip
def test_what_is_an_error(status: str, error: str, kind: int) -> None:
    assert kind_of(status, error) == kind


def test_reads_what_the_ledger_counts() -> None:
    ledger = Ledger(2)
    reader = Reader(ledger)
    before = reader.read()
    count(ledger, 0, times=3)
    count(ledger, 1, key=FAILED, times=2)
    count(ledger, 1, key=GONE)
    set_counter(ledger, "dropped_away", 5)
    set_counter(ledger, "restarts", 2, worker=1)
    ledger.observer[OBSERVER["lost"]] = 4
    ledger.observer[OBSERVER["shed_logs"]] = 7
    totals = reader.totals(reader.read() - before, 10)
    assert (totals.requests, totals.server_errors, totals.client_errors) == (6, 2, 1)
    assert (totals.dropped, totals.shed, totals.worker_restarts) == (9, 7, 2)
    assert (totals.rate, totals.error_ratio) == (0.6, 2 / 6)
    assert sum(totals.overheads.counts) == 6
    series = [sum(histogram.counts) for histogram in ledger.series().values()]
    assert totals.requests == sum(series)
    assert totals.durations.percentile(0.5) == pytest.approx(0.0175)


def test_a_step_a_minute_and_the_present_one_up_to_now() -> None:
    world = World()
    world.run(60, a_second=5)
    world.run(60, a_second=1)
    world.run(3)
    world.requests(7)
    assert world.steps(3) == [300, 60, 7]
    assert world.recorder.span(3).at == [NOON, NOON + 60, NOON + 120]


def test_the_last_ten_minutes_are_known_more_finely() -> None:
    world = World()
    world.run(30, a_second=5)
    world.run(15, a_second=2)
    span = world.recorder.fine()
    assert (span.step, len(span.at), span.at[-1]) == (10, 60, NOON + 40)
    counted = [world.recorder.reader.totals(row, 10).requests for row in span.rows]
    assert counted == [0] * 55 + [50, 50, 50, 20, 10]
    assert span.seconds.tolist() == [0.0] * 55 + [10.0] * 4 + [5.0]
    world.run(2000, a_second=1)
    span = world.recorder.fine()
    assert span.at[0] == span.at[-1] - 590
    assert span.rows[:-1, world.recorder.reader.durations_at].sum(axis=1).tolist() == [10] * 59


def test_a_pause_is_one_long_fine_step_and_steps_without_a_look() -> None:
    world = World()
    world.run(20, a_second=1)
    world.now += 35
    world.requests(35)
    world.run(15, a_second=1)
    span = world.recorder.fine()
    assert span.seconds[-8:].tolist() == [10, 10, 36, 0, 0, 4, 10, 0]
    assert span.rows[-8:, world.recorder.reader.durations_at].sum() == 70


def test_windows_begin_at_a_look() -> None:
    world = World()
    world.run(1800, a_second=1)
    world.run(95, a_second=4)
    for wanted in (60, 300):
        totals = world.recorder.window(wanted)
        assert wanted <= totals.seconds <= wanted + 10
        assert totals.requests == pytest.approx(
            min(95, totals.seconds) * 4 + max(0, totals.seconds - 95), abs=4
        )
    hour = world.recorder.window(1200)
    assert 1200 <= hour.seconds <= 1260
    assert hour.requests == pytest.approx(95 * 4 + hour.seconds - 95, abs=4)
    day = world.recorder.window(86400)
    assert (day.seconds, day.requests) == (1895, world.counted)


def test_what_was_counted_before_the_first_look_at_a_new_ledger_counts() -> None:
    world = World()
    world.requests(3)
    assert world.recorder.window(60).requests == 3


def test_an_observer_that_was_restarted_makes_no_peak_of_what_it_never_saw() -> None:
    world = World()
    world.run(300, a_second=100)
    world.restart(kept=False)
    world.run(60, a_second=1)
    assert world.recorder.window(86400).requests == 60


def test_it_goes_on_from_what_was_kept() -> None:
    world = World()
    world.run(300, a_second=10)
    kept = world.recorder.kept()
    world.run(20, a_second=10)  # seen by one that is killed before it keeps it
    world.now += 100
    world.requests(1000)  # and by nobody
    world.recorder = world.another()
    world.recorder.resume(kept)
    assert world.steps(8) == [600, 600, 600, 600, 600, 600, 600, 0]
    world.run(60, a_second=10)
    assert sum(world.steps()) == world.counted
    assert world.recorder.window(60).requests == 600


def test_a_long_pause_is_unknown() -> None:
    world = World()
    world.run(120, a_second=10)
    kept = world.recorder.kept()
    world.now += MAX_GAP + 60
    world.requests(10**4)
    world.recorder = world.another()
    world.recorder.resume(kept)
    world.run(60, a_second=1)
    assert world.recorder.window(86400).requests == 1200 + 60
    seconds = world.recorder.span(15).seconds
    assert [bool(s) for s in seconds] == [True, True, *[False] * 11, True, False]


def test_another_ledger_begins_anew() -> None:
    world = World()
    world.run(120, a_second=10)
    kept = world.recorder.kept()
    other = World(now=world.now + 30)
    other.requests(7)
    other.recorder.resume(kept)
    assert sum(other.steps()) == 1200 + 7


def test_what_is_of_other_buckets_is_refused() -> None:
    kept = World().recorder.kept()
    other = Recorder(Ledger(1, {"duration": (0.1, 1.0)}, Caps(8, 8)))
    with pytest.raises(ValueError, match="buckets"):
        other.resume(kept)


def test_a_day_is_all() -> None:
    world = World()
    world.requests(50)
    world.run(20)
    for _ in range(STEPS + 5):
        world.now += 60
        world.requests(2)
        world.recorder.look()
    assert 2 * STEPS - 2 <= sum(world.steps()) <= 2 * STEPS  # and not the first 50
    assert world.recorder.window(1e9).seconds <= STEPS * STEP


@pytest.mark.parametrize("set_by", [-300, -7, 7, 300, 3600, 86400 * 3, -86400 * 3])
def test_a_clock_that_is_set_loses_nothing_and_makes_no_peak(set_by: int) -> None:
    world = World()
    world.run(600, a_second=1)
    world.set_by = set_by
    world.run(125, a_second=1)
    assert world.recorder.span(1).at[0] == world.clock() // STEP * STEP
    for seconds in (60, 300):
        totals = world.recorder.window(seconds)
        assert seconds <= totals.seconds <= seconds + 10
        assert totals.requests == pytest.approx(totals.seconds, abs=1)
    assert max(world.steps()) <= 60 + (60 if set_by < 0 else 0)
    assert world.recorder.span(STEPS).seconds.sum() == pytest.approx(sum(world.steps()), abs=1)
    if 0 < set_by < 86400:
        assert sum(world.steps()) == world.counted


def test_rows_that_were_scored() -> None:
    ledger, rows = Ledger(1), [0]
    recorder = Recorder(ledger, lambda: NOON, lambda: rows[0], lambda: 0)
    rows[0] = 12
    ledger.observer[OBSERVER["heartbeat"]] = 1
    assert recorder.window(60).rows == 12
    again = Recorder(ledger, lambda: NOON + 5, lambda: 2, lambda: 5)
    again.resume(recorder.kept())
    assert again.window(86400).rows == 14


EVENT = st.sampled_from(["run", "pause", "restart", "kill", "ask"])


@settings(max_examples=40)
@given(st.lists(st.tuples(EVENT, st.integers(0, 50), st.integers(1, 150)), max_size=25))
def test_each_request_is_in_the_steps_once(events: list[tuple[str, int, int]]) -> None:
    """Whatever runs, pauses shorter than a gap, restarts and is killed, in whatever order."""
    world = World()
    kept = world.recorder.kept()
    for event, requests, seconds in events:
        if event == "run":
            world.run(seconds, a_second=requests % 5)
        elif event == "pause":
            world.now += seconds
            world.requests(requests)
        elif event == "restart":
            world.restart()
        elif event == "kill" and world.now - kept.read_at <= MAX_GAP:
            world.recorder = world.another()
            world.recorder.resume(kept)
        else:
            assert world.recorder.window(60).seconds <= world.now - NOON
        if world.now - kept.read_at > 300:
            kept = world.recorder.kept()
    span = world.recorder.span(STEPS)
    assert sum(world.steps()) == world.counted
    assert span.seconds.max() <= STEP + 20
    assert float(span.seconds.sum()) == pytest.approx(world.now - NOON)
    assert np.all(span.rows >= 0)
    assert span.rows[:, AT["server_errors"]].sum() == 0
