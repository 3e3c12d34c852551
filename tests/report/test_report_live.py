"""`outrider report` of a real sidecar whose traffic drifted, in every form."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agent.check.arguments import CODES
from agent.demo.rows import SHIFT
from tests.harness import eventually, free_ports
from tests.report.conftest import outrider


@pytest.fixture
def admin(drifted) -> str:
    return f"http://{drifted.admin[0]}:{drifted.admin[1]}"


def test_it_names_the_columns_that_moved_and_the_requests(admin, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = outrider("report", "--admin", admin, "-o", str(target), "--fail-on", "drift")
    assert done.returncode == 1, done.stderr
    assert "failed on drift" in done.stderr
    report = json.loads(target.read_text())
    [model] = report["models"]
    assert (model["name"], model["state"]) == ("wine", "drift")
    plain = {c["name"]: c for c in model["columns"] if not c["derived"]}
    assert {name for name, c in plain.items() if c["state"] == "drift"} == SHIFT.keys()
    moved = plain["color_intensity"]
    assert moved["score"] > 0
    assert moved["threshold"] > 0
    assert 0 <= moved["p_value"] < 0.01
    assert moved["since"] is not None
    # The window that ends before the shift is over may hold rows from before it, too.
    assert any(one["request_id"].startswith("after-") for one in moved["examples"])
    assert sum(one["now"] for one in moved["picture"]["bins"]) == pytest.approx(1)
    assert report["traffic"]["requests"] >= 500
    assert model["reference"]["rows"] == 178
    assert (model["reference"]["in_use_since"] or 0) <= report["made_at"]
    assert report["traffic"]["spans"]["day"]["requests"] >= 500
    assert report["traffic"]["routes"][0]["model"] == "wine"
    assert any("color_intensity" in event["text"] for event in report["events"])


def test_every_form_names_them(admin, tmp_path: Path) -> None:
    for name in ("r.html", "r.md", "r.xml"):
        done = outrider("report", "--admin", admin, "-o", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        text = (tmp_path / name).read_text()
        assert all(column in text for column in SHIFT), name
        assert "after-" in text or name == "r.md"
    suites = ElementTree.parse(tmp_path / "r.xml").getroot()
    failed = {c.get("name") for c in suites.iter("testcase") if c.find("failure") is not None}
    assert failed >= SHIFT.keys()
    assert suites.get("failures") == str(len(failed))


@pytest.mark.parametrize(("fail_on", "status"), [("missing", 0), ("findings", 0), ("never", 0)])
def test_what_is_not_so_fails_nothing(admin, fail_on: str, status: int) -> None:
    done = outrider("report", "--admin", admin, "--format", "json", "--fail-on", fail_on)
    assert done.returncode == status, done.stderr


def test_a_sidecar_that_is_not_there_is_told_with_the_remedy() -> None:
    [port] = free_ports(1)
    done = outrider("report", "--admin", f"http://127.0.0.1:{port}")
    assert done.returncode == 2
    assert "refused" in done.stderr
    assert "--admin" in done.stderr
    assert not done.stdout


def test_before_anything_is_known_it_says_so(start, own_origin) -> None:
    proxy = start(own_origin.url)
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
    admin = f"http://{proxy.admin[0]}:{proxy.admin[1]}"
    done = outrider("report", "--admin", admin, "--fail-on", "drift")
    assert done.returncode == 0
    assert "Nothing can be judged yet" in done.stdout
    strict = outrider("report", "--admin", admin, "--fail-on", "insufficient")
    assert strict.returncode == 1


def test_the_check_fails_on_the_drift_and_names_the_columns(drifted, admin) -> None:
    health = f"http://{drifted.health[0]}:{drifted.health[1]}"
    done = outrider("check", "--admin", admin, "--health", health, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == told["status"] == CODES["drift"]
    results = {one["check"]: one for one in told["checks"]}
    assert [name for name, one in results.items() if not one["ok"]] == ["drift"]
    assert "hue" in results["drift"]["text"]
    assert "outrider report" in results["drift"]["remedy"]
    skipped = outrider("check", "--admin", admin, "--health", health, "--skip", "drift")
    assert skipped.returncode == 0
    assert "drift" not in skipped.stdout
