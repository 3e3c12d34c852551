"""What no sketch saw is counted by its reason, and said beside the verdicts above one percent."""

from __future__ import annotations

import json
from typing import get_args

from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.traffic.unseen import CAVEAT, RECENT, WORDS, Reason, Unseen
from tests.drift.test_monitor import payload, scraped


def test_the_share_is_of_the_recent_rows():
    unseen = Unseen()
    assert (unseen.share(), unseen.caveat()) == (0.0, "")
    unseen.see(99)
    unseen.miss("too_large")
    assert (unseen.share(), unseen.caveat()) == (CAVEAT, "")
    unseen.miss("budget", 5)
    assert "5.7% of the recent rows" in unseen.caveat()
    assert "mostly budget" in unseen.caveat()
    for _ in range(20):
        unseen.see(RECENT)
    assert 0 < unseen.share() < 1e-4
    assert unseen.caveat() == ""
    unseen.see(RECENT)
    unseen.miss("shed", RECENT // 20)
    assert unseen.share() > CAVEAT
    assert unseen.by_reason.pop("shed") == RECENT // 20
    assert unseen.by_reason == {"too_large": 1, "budget": 5}


def test_a_models_status_and_metrics_say_it():
    monitor = Monitor(Settings())
    monitor.miss("m", "too_large")  # not known yet: bounded, whatever names come in
    monitor.add(payload({"a": [1.0] * 90}))
    monitor.miss("m", "shed", 10)
    monitor.miss("m", "answer_not_decoded", 10)  # there are no predictions that could drift
    (model,) = json.loads(json.dumps(monitor.status()))["models"]
    assert model["unseen"] == {"share": 0.1, "rows_by_reason": {"shed": 10}}
    assert "10.0%" in model["caveats"][0]
    text = scraped(monitor)
    assert 'outrider_drift_unseen_rows_total{model="m",reason="shed"} 10.0' in text
    assert 'outrider_drift_unseen_rows_ratio{model="m"} 0.1' in text


def test_people_are_told_all_reasons_in_words():
    assert {*WORDS} == {*get_args(Reason)}
    unseen = Unseen()
    assert unseen.told() == ""
    unseen.miss("budget", 2)
    unseen.miss("too_large", 1200)
    assert unseen.told() == (
        "1,200 for too large a body; 2 for no memory left for copies (capture.budget)"
    )
