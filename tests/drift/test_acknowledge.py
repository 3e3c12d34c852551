"""What people decide about alarms: kept, shown, undone, and refused where it makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import make, shown
from agent.drift.reference.profile import parse as parse_profile
from agent.drift.settings import Settings
from agent.drift.state.orders import LONGEST, Order, OrderError, end_of, parse
from tests.drift.test_monitor import Clock, payload, reference, scraped, send

RNG = np.random.default_rng(7)
BASE = {"a": RNG.normal(size=5000).tolist(), "b": RNG.normal(size=5000).tolist()}
PROFILE = reference(BASE)


class Site:
    """A monitor that sees windows of 1,000 rows, 300 s each."""

    def __init__(self, state_dir: Path | None = None, profile: Any = PROFILE) -> None:
        self.clock = Clock()
        self.monitor = Monitor(
            Settings(), References(profile), state_dir=state_dir, clock=self.clock
        )

    def window(self, shift: float = 0.0, count: int = 1) -> None:
        for _ in range(count):
            self.clock.now += 300
            rows = {"a": (RNG.normal(size=1000) + shift).tolist(), "b": RNG.normal(size=1000)}
            send(self.monitor, {"a": rows["a"], "b": rows["b"].tolist()})

    def model(self) -> dict[str, Any]:
        [model] = json.loads(json.dumps(self.monitor.status()))["models"]
        return model

    def column(self, name: str = "a") -> dict[str, Any]:
        return next(c for c in self.model()["columns"] if c["name"] == name)

    def news(self) -> list[tuple[str, str, str]]:
        return [(c.column, c.before, c.after) for c in self.monitor.take_changes()]

    def order(self, action: str, **more: Any) -> dict[str, Any]:
        body = {"model": "m", "action": action, **more}
        return self.monitor.acknowledge(parse(json.dumps(body).encode()))


def drifting(state_dir: Path | None = None) -> Site:
    site = Site(state_dir)
    site.window(count=2)
    site.window(shift=0.8, count=3)
    assert site.column()["state"] == "drift"
    assert site.model()["alarms"] == {"open": 1, "acknowledged": 0}
    site.news()
    return site


def test_a_muted_alarm_is_seen_and_not_counted_until_its_end():
    site = drifting()
    site.order("mute", column="a", until="1h", by="kim", note="new campaign")
    column, model = site.column(), site.model()
    assert column["state"] == "drift"
    assert (column["acknowledged"]["by"], column["acknowledged"]["note"]) == ("kim", "new campaign")
    assert column["acknowledged"]["until"] == site.clock.now + 3600
    assert (model["state"], model["alarms"]) == ("stable", {"open": 0, "acknowledged": 1})
    text = scraped(site.monitor)
    label = 'column="a",model="m",side="input"'
    assert f"outrider_drift_acknowledged{{{label}}} 1.0" in text
    assert f"outrider_drift_detected{{{label}}} 1.0" in text
    since = f"outrider_drift_since_timestamp_seconds{{{label}}} {column['since']}"
    assert since in text
    assert 'outrider_drift_since_timestamp_seconds{column="b"' not in text  # it does not drift
    site.window(shift=0.8)
    assert site.news() == []
    site.clock.now += 3600
    site.monitor.tick()
    assert site.column()["acknowledged"] is None
    assert site.news()[0] == ("a", "drift", "drift")
    assert "outrider_drift_acknowledged{" not in scraped(site.monitor)


def test_what_begins_to_drift_while_it_is_muted_is_no_news():
    site = Site()
    site.window(count=2)
    site.news()
    muted = [column["name"] for column in site.order("mute", until="1d")["columns"]]
    assert muted == ["a", "b", "(relations) a", "(relations) b"]
    site.window(shift=0.8, count=3)
    assert site.column()["state"] == "drift"
    assert site.news() == []


def test_the_new_normal_is_judged_by_from_now_on_and_can_be_taken_back():
    site = drifting()
    site.window(shift=0.8, count=8)
    before = site.monitor.reference("m")
    done = site.order("new_normal", by="kim", note="we raised prices")
    (renewed,) = done["columns"]
    assert (renewed["side"], renewed["name"]) == ("input", "a")
    after = site.monitor.reference("m")
    assert (done["reference"], after.hash) == (after.hash, done["reference"])
    assert after.hash != before.hash
    (rows,) = [c.rows for c in after.columns if c.name == "a"]
    assert renewed["rows"] == rows
    assert renewed["caveat"].startswith(f"made of {rows} rows: a shift of less than about")
    assert parse_profile(shown(after), "test") == after
    assert [c for c in after.columns if c.name == "b"] == [
        c for c in before.columns if c.name == "b"
    ]
    site.window(shift=0.8, count=4)
    column = site.column()
    assert column["state"] == "stable"
    assert column["renewed"]["by"] == "kim"
    assert column["renewed"]["rows_before"] == 5000
    assert site.model()["reference"]["before_renewals"] == before.short_hash
    assert f'reference="{after.short_hash}"' in scraped(site.monitor)

    site.order("revert", column="a")
    assert site.monitor.reference("m").hash == before.hash
    assert site.column()["renewed"] is None
    site.window(shift=0.8, count=3)
    assert site.column()["state"] == "drift"


def test_a_second_renewal_goes_back_to_the_first_reference():
    site = drifting()
    before = site.monitor.reference("m").hash
    site.order("new_normal", column="a")
    site.window(shift=2.5, count=3)
    site.order("new_normal", column="a")
    assert site.column()["renewed"]["rows_before"] == 5000
    site.order("revert", column="a")
    assert site.monitor.reference("m").hash == before


def test_a_new_normal_beyond_the_old_range_says_what_is_lost():
    site = Site()
    site.window(count=2)
    site.window(shift=9.0, count=2)
    site.order("new_normal", column="a")
    assert "out of the old range" in site.column()["renewed"]["caveat"]


def test_decisions_outlive_the_process_and_fall_with_their_reference(tmp_path: Path):
    site = drifting(tmp_path)
    site.order("mute", column="b", until="30d", by="kim")
    site.order("new_normal", column="a", note="why")
    hashed = site.monitor.reference("m").hash

    again = Site(tmp_path)
    again.window(shift=0.8)
    assert again.monitor.reference("m").hash == hashed
    assert again.column("a")["renewed"]["note"] == "why"
    assert again.column("b")["acknowledged"]["by"] == "kim"
    again.order("revert")
    assert again.monitor.reference("m").hash == PROFILE.hash

    site.order("new_normal", column="b")
    other = Site(tmp_path, reference({name: values[:4000] for name, values in BASE.items()}))
    other.window()
    assert other.column("b")["renewed"] is None
    assert "another reference" in other.monitor.set_aside[0].reason


def test_decisions_that_cannot_be_kept_are_said_to_be_in_memory(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    site = drifting(file)
    done = site.order("mute", column="a", until="1h")
    assert done["kept_in"] == "memory"
    assert str(file) in site.monitor.last_error
    assert site.column()["acknowledged"]
    file.unlink()
    assert site.order("mute", column="a", until="2h")["kept_in"] == str(file)
    assert site.monitor.last_error == ""


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-30], "truncated"),
        (lambda raw: b"", "truncated"),
        (lambda raw: b"[" * 100_000, "nested|array"),
        (lambda raw: raw.replace(b'"format": 1', b'"format": 7'), "format 7"),
        (lambda raw: raw.replace(b'"model": "m"', b'"model": "other"'), "of model 'other'"),
        (lambda raw: raw.replace(b'"until": ', b'"until": "x", "was": '), "Expected"),
    ],
)
def test_damaged_decisions_are_set_aside_with_the_reason(tmp_path: Path, damage, reason):
    site = drifting(tmp_path)
    site.order("mute", column="a", until="30d")
    [file] = tmp_path.glob("decisions-*.json")
    file.write_bytes(damage(file.read_bytes()))
    again = Site(tmp_path)
    again.window()
    assert again.column()["acknowledged"] is None
    [refusal] = again.monitor.set_aside
    assert "it is not used" in refusal.reason
    assert any(word in refusal.reason for word in reason.split("|")), refusal.reason
    [aside] = tmp_path.glob("*.damaged")
    assert aside.name in refusal.reason
    assert not file.exists()


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        (b"", "body", 400),
        (b"[1]", "body", 400),
        (b"[" * 100_000, "body", 400),
        (b'{"action": "mute"}', "model", 400),
        (b'{"model": "m", "action": "ignore"}', "action", 400),
        (b'{"model": "m", "action": "mute", "nickname": 1}', "nickname", 400),
        (b'{"model": "m", "action": "mute"}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": "soon"}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": "off"}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": 5}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": 1e300}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": "2000-01-01"}', "until", 400),
        (b'{"model": "m", "action": "mute", "until": "500d"}', "until", 400),
        (b'{"model": "m", "action": "revert", "until": "1h"}', "until", 400),
        (b'{"model": "x", "action": "mute", "until": "1h"}', "model", 404),
        (b'{"model": "m", "action": "mute", "until": "1h", "column": "z"}', "column", 404),
        (b'{"model": "m", "action": "mute", "until": "1h", "side": "up"}', "side", 400),
        (b'{"model": "m", "action": "new_normal"}', "column", 409),
        (b'{"model": "m", "action": "revert"}', "column", 409),
    ],
)
def test_what_cannot_be_done_is_said_with_field_value_and_remedy(body, field, status):
    site = Site()
    site.window(count=2)
    with pytest.raises(OrderError) as refused:
        site.monitor.acknowledge(parse(body))
    shown = json.loads(json.dumps(refused.value.shown()))
    assert (shown["field"], refused.value.status) == (field, status)
    assert shown["remedy"]
    assert site.news() == [(name, "insufficient", "stable") for name in "ab"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"model": "m", "action": "mut"}', "action 'mut': wanted mute or new_normal or revert"),
        (b'{"model": "m"}', "action: must be given"),
        (b'{"model": "m", "action": "mute", "colum": "a"}', "colum 'a': is no field; there are m"),
    ],
)
def test_an_order_that_is_none_is_told_what_there_is(body, error):
    with pytest.raises(OrderError) as refused:
        parse(body)
    assert str(refused.value).startswith(error)


def test_a_new_normal_waits_for_a_window_after_the_alarm():
    """Part of the window that raised it may be from before."""
    site = Site()
    site.window(count=2)
    site.window(shift=3.0)
    assert site.column()["state"] == "drift"
    with pytest.raises(OrderError, match="next window"):
        site.order("new_normal", column="a")
    site.window(shift=3.0)
    site.order("new_normal", column="a")
    assert site.column()["renewed"]["rows"] == 1000


def test_a_new_normal_of_few_rows_is_refused():
    site = Site()
    site.clock.now += 10
    site.monitor.add(payload({"a": [0.0] * 20, "b": [0.0] * 20}))
    site.clock.now += 300
    site.monitor.tick()
    with pytest.raises(OrderError, match="wait"):
        site.order("new_normal", column="a")


@given(st.none() | st.floats(allow_nan=True) | st.text(max_size=30), st.floats(0, 4e9))
def test_any_end_is_a_time_ahead_or_refused(until, now):
    try:
        end = end_of(Order("m", "mute", until=until), now)
    except OrderError:
        return
    assert now < end <= now + LONGEST


@pytest.mark.parametrize(
    "until", ["2026-12-01", "2026-12-01T00:00:00Z", "2026-12-01T01:00:00+01:00", 1796083200]
)
def test_the_same_end_written_in_several_ways(until):
    now = 1796083200.0 - 3600
    assert end_of(Order("m", "mute", until=until), now) == 1796083200.0
    assert end_of(Order("m", "mute", until="60m"), now) == 1796083200.0


# ---- a reference put in by hand


def test_a_published_reference_is_used_kept_and_falls_with_the_configured_one(tmp_path: Path):
    site = Site(tmp_path)
    site.window(count=2)
    other = reference({name: values[:3000] for name, values in BASE.items()}, model="m")
    site.order("mute", column="b", until="1d", note="kept")
    done = site.monitor.publish("m", shown(other), "kim", "fleet")
    assert site.column("b")["acknowledged"]["note"] == "kept"
    assert done["hash"] == other.hash
    assert site.monitor.reference(None) == other
    published = site.model()["reference"]
    assert (published["source"], published["published"]["by"]) == ("published", "kim")

    again = Site(tmp_path)
    again.window()
    assert again.monitor.reference("m") == other
    assert again.model()["reference"]["source"] == "published"
    newer = Site(tmp_path, reference({name: values[:2000] for name, values in BASE.items()}))
    newer.window()
    assert newer.model()["reference"]["source"] == "given"


def test_a_reference_can_be_published_before_the_traffic_and_ends_learning(tmp_path: Path):
    monitor = Monitor(Settings(), state_dir=tmp_path)
    monitor.publish("m", shown(PROFILE))
    assert monitor.models["m", ""].phase == "watching"
    monitor = Monitor(Settings())
    monitor.add(payload({"a": [1.0], "b": [1.0]}))
    assert monitor.models["m", ""].phase == "learning"
    monitor.publish("m", shown(PROFILE))
    assert monitor.models["m", ""].phase == "watching"


def _of(model: str) -> bytes:
    return shown(make(model, PROFILE.rows, PROFILE.columns))


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        (b"", "file", "damaged"),
        (shown(PROFILE)[:-9], "file", "damaged"),
        (shown(PROFILE).replace(b'"format": 3', b'"format": 2'), "format", "another format"),
        (shown(PROFILE).replace(b'"rows": 5000', b'"rows": 5001'), "hash", "does not match"),
        (_of("iris"), "model", "of model 'iris', not 'm'"),
        (shown(make("m", 0, [])), "columns", "no columns"),
        (shown(reference({"a": BASE["a"], "z": BASE["b"]})), "columns (input)", "never among"),
    ],
)
def test_a_reference_that_does_not_fit_changes_nothing(raw, field, words):
    site = Site()
    site.window(count=2)
    with pytest.raises(OrderError, match=words.replace("(", r"\(")) as refused:
        site.monitor.publish("m", raw)
    assert refused.value.field == field
    assert site.monitor.reference("m") == PROFILE


def test_references_that_are_not_there():
    monitor = Monitor(Settings())
    for name in ("m", None):
        with pytest.raises(OrderError, match="no traffic"):
            monitor.reference(name)
    monitor.add(payload({"a": [1.0]}))
    with pytest.raises(OrderError, match="learning"):
        monitor.reference("m")
