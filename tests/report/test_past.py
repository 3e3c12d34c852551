"""The last day of a column: few points, none of which hides an alarm."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.report.cleaned import Cleaner
from agent.report.html.picture import past_of
from agent.report.past import EVENTS, MOST, events_of, pasts_of

RATIOS = st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=1440)
NAMED = {"model": "m", "version": "", "side": "input", "name": "age"}


def history(ratio: list[float | None]) -> dict[str, Any]:
    return {"from": 1.8e9, "step_seconds": 60.0, "drift": [NAMED | {"ratio": ratio}], "events": []}


@given(RATIOS)
def test_the_greatest_is_kept_and_it_begins_with_what_is_known(ratio: list[float | None]) -> None:
    known = [place for place, value in enumerate(ratio) if value is not None]
    past = pasts_of(history(ratio)).get(("m", "", "input", "age"))
    assert (past is None) is (len(known) < 2)
    if past is None:
        return
    assert len(past.ratio) <= MOST
    assert past.began == 1.8e9 + 60 * known[0]
    assert past.ratio[0] is not None
    assert max(value for value in past.ratio if value is not None) == max(
        value for value in ratio if value is not None
    )
    ended = past.began + past.step_seconds * len(past.ratio)
    assert ended >= 1.8e9 + 60 * len(ratio)
    assert "NaN" not in past_of(past, "age")


def test_a_gap_is_a_gap_in_the_line() -> None:
    past = pasts_of(history([0.5, 0.5, None, 2.0, 2.0]))["m", "", "input", "age"]
    drawn = past_of(past, "age")
    assert "M0 75.0h1H1V75.0h1M3 0.0h1H4V0.0h1" in drawn


def test_without_a_history_there_is_no_past() -> None:
    clean = Cleaner(is_redacted=True)
    assert pasts_of(None) == {}
    assert events_of(None, clean) == []
    many = {"events": [{"at": 1.0, "kind": "drift", "text": "a\nb"}] * 100}
    found = events_of(many, clean)
    assert len(found) == EVENTS
    assert "\n" not in found[0].text
