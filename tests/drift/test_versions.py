"""Each version of a model is watched by itself, within bounds that no name gets around."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.reference.name import Name
from agent.drift.reference.profile import Profile, save, shown
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.state.orders import OrderError, parse
from agent.drift.state.resume import evidence_of, packed
from agent.drift.state.sources import load_references
from agent.drift.state.state import MAX_KEPT, Store
from agent.drift.traffic.versions import GONE, IDLE, MAX_LEARNING_VERSIONS, MAX_MODELS, MAX_VERSIONS
from tests.drift.test_monitor import Clock, payload, reference, scraped

RNG = np.random.default_rng(11)
BASE = {"a": RNG.normal(size=4000).tolist(), "b": RNG.normal(size=4000).tolist()}
ROWS = 200


def profile(version: str = "", model: str = "") -> Profile:
    return build_profile(lambda: iter([Batch(BASE, 4000)]), model=model, version=version)


PROFILE = profile()


class Site:
    """A monitor of windows of 200 rows; a request is a window's half."""

    def __init__(
        self, references: References | None = None, folder: Path | None = None, **more: Any
    ) -> None:
        self.clock = Clock()
        self.references, self.folder = references, folder
        self.settings = Settings(window_rows=ROWS, **more)
        self.start()

    def start(self) -> None:
        self.monitor = Monitor(
            self.settings, self.references, state_dir=self.folder, clock=self.clock
        )

    def end(self) -> None:
        self.monitor.save(self.monitor.unsaved())

    def send(self, version: str, shift: float = 0.0, rows: int = ROWS, **more: Any) -> None:
        self.clock.now += 1
        for _ in range(rows):
            row = {"a": [RNG.normal() + shift], "b": [RNG.normal()]}
            self.monitor.add(payload(row, version=version, **more))

    def wait(self, seconds: float) -> None:
        self.monitor.tick()
        self.clock.now += seconds
        self.monitor.tick()

    def models(self) -> dict[str, Any]:
        """By version."""
        found = json.loads(json.dumps(self.monitor.status()))["models"]
        return {model["version"]: model for model in found}

    def states(self) -> dict[str, str]:
        return {version: model["state"] for version, model in self.models().items()}


def site(*profiles: Profile, learns: bool = True, **more: Any) -> Site:
    """Of a configured reference a version, or of one for all."""
    given = References(by_model={"m": profiles})
    return Site(given, **({} if learns else {"learn_rows": None}), **more)


def test_of_two_versions_side_by_side_only_the_one_that_drifts_is_named():
    one = Site(References(PROFILE))
    for _ in range(12):
        one.send("1", rows=ROWS // 2)
        one.send("2", shift=1.0, rows=ROWS // 2)
    assert one.states() == {"1": "stable", "2": "drift"}
    changes = [c for c in one.monitor.take_changes() if c.after == "drift"]
    assert {(c.model, c.version, c.column) for c in changes} == {("m", "2", "a")}
    text = scraped(one.monitor)
    for version, detected in (("1", 0.0), ("2", 1.0)):
        labels = f'column="a",model="m",side="input",version="{version}"'
        assert f"outrider_drift_detected{{{labels}}} {detected}" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    series = [line.rpartition(" ")[0] for line in lines]
    assert len(series) == len(set(series))


def test_traffic_that_names_no_version_has_no_such_label():
    one = Site(References(PROFILE))
    one.send("")
    assert "version=" not in scraped(one.monitor)
    assert 'outrider_drift_rows{column="a",model="m",side="input"} 200.0' in scraped(one.monitor)


def test_a_new_version_learns_its_own_reference_while_the_old_one_is_judged():
    one = Site(learn_rows=400)
    one.send("1", rows=1000)
    one.send("2", shift=3.0, rows=300)
    phases = {version: model["phase"] for version, model in one.models().items()}
    assert phases == {"1": "watching", "2": "learning"}
    one.send("2", shift=3.0, rows=100)
    for _ in range(4):
        one.send("1")
        one.send("2", shift=3.0)
    assert one.states() == {"1": "stable", "2": "stable"}
    references = [one.monitor.reference("m", version) for version in "12"]
    assert [found.version for found in references] == ["1", "2"]
    assert references[0].hash != references[1].hash


# ---- which reference


@pytest.mark.parametrize(
    ("versions", "learns", "found"),
    [
        # configured, learning is on, by traffic's version: the reference's, or phase
        (("",), True, {"": "", "1": "", "2": ""}),
        (("1",), True, {"": "1", "1": "1", "2": "learning"}),
        (("1",), False, {"": "1", "1": "1", "2": "unwatched"}),
        (("1", ""), False, {"": "", "1": "1", "2": ""}),
        (("1", "2"), False, {"": "unwatched", "1": "1", "2": "2", "é/3": "unwatched"}),
    ],
)
def test_a_reference_of_a_version_is_for_that_one(versions, learns, found):
    one = site(*map(profile, versions), learns=learns)
    for version in found:
        one.send(version, rows=1)
    shown_ = one.models()
    for version, wanted in found.items():
        model = shown_[version]
        if model["phase"] == "watching":
            assert model["reference"]["version"] == wanted
        else:
            assert model["phase"] == wanted
            assert ("--model-version" in model["reason"]) == (wanted == "unwatched")


def test_the_default_reference_of_another_version_is_refused_with_the_remedy():
    one = Site(References(profile("1")), learn_rows=None)
    one.send("2", rows=1)
    assert "there are references of version '1', this is version '2'" in one.models()["2"]["reason"]


def test_several_files_of_a_model_each_for_its_version(tmp_path: Path):
    for version in ("1", "2"):
        save(profile(version, "m"), tmp_path / f"{version}.json")
    files = [str(tmp_path / f"{version}.json") for version in ("1", "2", "1")]
    found = load_references(None, {"m": files})
    assert [p.version for p in found.by_model["m"]] == ["1", "2"]
    (refusal,) = found.refused
    assert "another reference of 'm' is of version '1' too" in refusal.reason
    one = Site(found)
    one.send("2", rows=1)
    assert one.models()["2"]["reference"]["version"] == "2"
    # The file that is not used may have been meant for this one.
    one.send("3", rows=1)
    assert one.models()["3"]["phase"] == "unwatched"


# ---- bounds


def test_ten_thousand_versions_are_eight_and_those_in_use_stay(tmp_path: Path):
    one = Site(References(PROFILE), folder=tmp_path)
    one.send("real")
    for hour in range(10):
        for n in range(1000):
            one.send(f"v{hour}-{n}", rows=1)
            if n % 100 == 0:
                one.send("real", rows=10)
        assert len(one.monitor.models) == MAX_VERSIONS
        one.end()
        one.wait(IDLE)
    assert Name("m", "real") in one.monitor.models
    left = one.monitor.rows_of_further_versions["m"]
    assert 0 < 10_000 - left <= 10 * MAX_VERSIONS
    line = f'outrider_drift_unseen_rows_total{{model="m",reason="version_skipped"}} {left}.0'
    assert line in scraped(one.monitor)
    assert one.monitor.status()["rows_of_further_versions"] == {"m": left}
    assert sum("not watched" in note for note in one.monitor.take_notes()) == 1


def test_all_in_all_no_more_are_watched_than_models_before():
    one = Site(References(PROFILE))
    for n in range(MAX_MODELS):
        for version in "123":
            one.monitor.add(payload({"a": [1.0]}, model=f"m{n}", version=version))
    assert len(one.monitor.models) == MAX_MODELS
    assert {name.version for name in one.monitor.models} == {"1", "2", "3"}


def test_a_model_cannot_learn_all_the_time_in_new_versions():
    one = Site()
    for n in range(10):
        one.send(str(n), rows=1)
    assert len(one.monitor.models) == MAX_LEARNING_VERSIONS
    one.monitor.add(payload({"a": [1.0]}, model="other"))
    assert Name("other") in one.monitor.models
    one.send("0", rows=1)
    one.wait(IDLE)
    one.send("9", rows=1)
    learning = {name.version for name in one.monitor.models if name.model == "m"}
    assert len(learning) == MAX_LEARNING_VERSIONS
    assert {"0", "9"} <= learning


def test_names_of_any_kind_lead_to_files_of_their_own_in_the_folder(tmp_path: Path):
    one = Site(folder=tmp_path / "state", learn_rows=100)
    names = ["../../x", "é\0\n", "1/2", "1_2", "v" * 128, "", "@1"]
    for version in names:
        one.send(version, rows=300, outputs={"y": [1.0]})
    one.end()
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "state"}
    assert len(list(tmp_path.rglob("reference-*"))) == len(names)
    before = {version: model["columns"] for version, model in one.models().items()}
    one.start()
    assert {version: model["columns"] for version, model in one.models().items()} == before
    text = scraped(one.monitor)
    assert 'version="é\x00\\n"' in text


# ---- who goes, and comes back


def test_a_version_without_traffic_goes_and_is_known_when_it_comes_back(tmp_path: Path):
    one = Site(folder=tmp_path, learn_rows=400)
    for _ in range(5):
        one.send("1")
    hashed = one.monitor.reference("m", "1").hash
    judged = one.models()["1"]["windows_judged"]
    one.send("2", rows=1)
    one.wait(GONE - 1)
    assert set(one.models()) == {"1", "2"}
    one.wait(1)
    assert set(one.models()) == {"2"}
    assert one.monitor.reference("m", "1").hash == hashed  # for comparing
    one.send("1", rows=1)
    back = one.models()["1"]
    assert (back["reference"]["hash"], back["windows_judged"]) == (hashed[:8], judged + 1)


def test_the_version_that_was_seen_last_never_goes():
    one = Site(References(PROFILE))
    one.send("1")
    one.wait(10 * GONE)
    assert set(one.models()) == {"1"}


def test_after_a_restart_versions_are_there_and_long_idle_ones_go(tmp_path: Path):
    one = Site(References(PROFILE), tmp_path)
    for version in ("1", "2"):
        one.send(version)
    one.end()
    now = one.clock.now
    for path in tmp_path.glob("evidence-*"):
        age = 0 if "@2-" in path.name else GONE
        os.utime(path, (now - age, now - age))
    one.start()
    assert set(one.states()) == {"1", "2"}
    one.monitor.tick()
    assert set(one.states()) == {"2"}


def test_files_of_versions_are_bounded_and_those_in_use_are_kept(tmp_path: Path):
    store = Store(tmp_path)
    model = Monitor(Settings(), References(PROFILE))
    model.add(payload({"a": [1.0]}))
    data = packed(evidence_of(model.models["m", ""]))
    names = [Name("m", str(n)) for n in range(MAX_KEPT + 3)]
    others = [Name("m"), Name("m2", "1")]
    for age, name in enumerate([*names, *others]):
        for kind in ("evidence", "reference"):
            path = store.path(kind, name)
            store.write([(path, data)])
            os.utime(path, (1000 - age, 1000 - age))
    store.prune("m")
    kept = [name for name in [*names, *others] if store.path("evidence", name).exists()]
    assert kept == [*names[:MAX_KEPT], *others]
    assert len(list(tmp_path.iterdir())) == 2 * len(kept)


def test_state_of_before_versions_is_that_of_requests_without_one(tmp_path: Path):
    one = Site(folder=tmp_path, learn_rows=400)
    one.send("", rows=1000)
    one.end()
    [evidence] = tmp_path.glob("evidence-*")
    assert "@" not in evidence.name
    one.start()
    before = one.models()[""]
    assert before["windows_judged"] == 3
    one.send("1", rows=1)
    assert one.models()["1"]["phase"] == "learning"
    assert any("stays theirs" in note for note in one.monitor.take_notes())


# ---- rows of which the version is not known


def test_rows_whose_answer_was_not_read_are_the_only_versions_or_nobodys():
    one = Site(References(PROFILE))
    answer = {"y": [1.0]}

    def send(version: str, outputs: dict[str, list[float]] | None) -> None:
        one.monitor.add(payload({"a": [1.0]}, outputs, version=version))

    send("1", answer)
    send("", None)
    assert {v: m["window"]["rows"] for v, m in one.models().items()} == {"1": 2}
    send("2", answer)
    send("", None)
    assert {v: m["window"]["rows"] for v, m in one.models().items()} == {"1": 2, "2": 1}
    assert one.models()["2"]["unseen"]["rows_by_reason"] == {"version_unknown": 1}
    one.monitor.miss("m", "shed", 3, "1")
    one.monitor.miss("m", "too_large", 2)
    assert one.models()["1"]["unseen"]["rows_by_reason"] == {"shed": 3}
    assert one.models()["2"]["unseen"]["rows_by_reason"]["too_large"] == 2


# ---- the budget


def test_versions_that_are_judged_share_the_budget_of_their_model():
    one = Site(References(PROFILE))
    one.send("1")
    alone = one.monitor.models["m", "1"].chart.rate
    one.send("2")
    one.monitor.tick()
    one.send("1")
    one.send("2")
    rates = [model.chart.rate for model in one.monitor.models.values()]
    assert rates == [alone / 2, alone / 2]
    levels = {m["columns"][0]["level"] for m in one.models().values()}
    assert len(levels) == 1
    one.send("1", rows=1)
    one.wait(GONE)
    one.send("1")
    assert one.monitor.models["m", "1"].chart.rate == alone


def test_a_version_that_learns_takes_nothing_of_the_budget():
    one = site(profile("1"))
    one.send("2", rows=10)
    one.send("1")
    one.monitor.tick()
    one.send("1")
    assert one.monitor.models["m", "1"].sharing == 1


# ---- what people ask and decide


def two(**more: Any) -> Site:
    one = Site(References(PROFILE), **more)
    for version in ("1", "2"):
        for _ in range(2):
            one.send(version)
        for _ in range(4):
            one.send(version, shift=1.0)
    return one


def order(**more: Any) -> Any:
    return parse(json.dumps({"model": "m", "action": "mute", "until": "1h", **more}).encode())


def test_an_order_names_a_version_where_there_are_several(tmp_path: Path):
    one = two(folder=tmp_path)
    with pytest.raises(OrderError, match="known of 'm' are: '1', '2'") as problem:
        one.monitor.acknowledge(order())
    assert (problem.value.field, problem.value.status) == ("version", 400)
    with pytest.raises(OrderError, match="known of 'm' are: '1', '2'") as problem:
        one.monitor.acknowledge(order(version="3"))
    assert problem.value.status == 404
    done = one.monitor.acknowledge(order(version="2", column="a"))
    assert (done["model"], done["version"]) == ("m", "2")
    alarms = {version: model["alarms"]["acknowledged"] for version, model in one.models().items()}
    assert alarms == {"1": 0, "2": 1}
    one.end()
    one.start()
    assert one.models()["2"]["alarms"]["acknowledged"] == 1
    with pytest.raises(OrderError, match="known of 'm' are"):
        one.monitor.reference("m")
    assert one.monitor.reference(None, "1").hash == PROFILE.hash


def test_of_one_version_none_need_be_named():
    one = Site(References(PROFILE))
    one.send("1")
    assert one.monitor.reference("m").hash == PROFILE.hash
    assert one.monitor.acknowledge(order())["version"] == "1"
    without = Site(References(PROFILE))
    without.send("")
    with pytest.raises(OrderError, match="leave it out: traffic of 'm' names no version"):
        without.monitor.acknowledge(order(version="1"))


def published(one: Site, given: Profile, version: str | None = None) -> str:
    return one.monitor.publish("m", shown(given), version=version)["version"]


def test_a_reference_is_published_for_one_version(tmp_path: Path):
    one = two(folder=tmp_path)
    with pytest.raises(OrderError, match="known are: '1', '2'"):
        published(one, PROFILE)
    with pytest.raises(OrderError, match="it is of version '1'"):
        published(one, profile("1"), "2")
    assert published(one, profile("2", "m")) == "2"
    assert published(one, profile(), "3") == "3"  # before its traffic
    one.end()
    one.start()
    one.send("3", rows=1)
    sources = {version: model["reference"]["source"] for version, model in one.models().items()}
    assert sources == {"1": "given", "2": "published", "3": "published"}


@pytest.mark.parametrize("restarts", [False, True])
def test_one_published_before_any_version_was_seen_is_for_all(tmp_path: Path, restarts):
    one = Site(References(profile()), tmp_path)
    given = reference({"a": [1.0, 2.0] * 100})
    assert published(one, given) == ""
    if restarts:
        one.start()
    one.send("1", rows=1)
    assert one.models()["1"]["reference"]["hash"] == given.short_hash
    better = reference({"a": [1.0, 2.0, 3.0] * 100})
    published(one, better, "")
    assert one.models()["1"]["reference"]["hash"] == better.short_hash
    published(one, given, "1")
    published(one, reference({"a": [3.0] * 100}), "")
    if restarts:
        one.start()
        one.send("1", rows=1)
    assert one.models()["1"]["reference"]["hash"] == given.short_hash


def test_the_settings_own_file_for_a_version_goes_before_one_published_for_all():
    one = site(profile("1"), learns=True)
    given = reference({"a": [1.0, 2.0] * 100})
    published(one, given, "")
    for version in ("1", "2", ""):
        one.send(version, rows=1)
    hashes = {version: model["reference"]["hash"] for version, model in one.models().items()}
    assert hashes == {"1": profile("1").short_hash, "2": given.short_hash, "": given.short_hash}
