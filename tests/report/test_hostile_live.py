"""The same strings as traffic through a real sidecar: models, columns, categories, ids, paths."""

from __future__ import annotations

import http.client
import json
import random
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from tests.faults.load import counting_model
from tests.harness import Outrider, eventually, get
from tests.report.conftest import outrider
from tests.report.test_hostile import CANARY, HOSTILE

SETTINGS = {
    "drift": {
        "reference": {"learn": {"rows": 300}},
        "window": {"rows": 100, "seconds": "1h"},
        "false_alarms": "1 per 1h",
    }
}
MODEL = HOSTILE[0].replace("/", "")


def send(proxy: Outrider, requests: int, weights: list[int]) -> None:
    chance = random.Random(1)
    client = http.client.HTTPConnection(*proxy.address)
    for n in range(requests):
        rows = [{name: chance.choices(HOSTILE, weights)[0] for name in HOSTILE} for _ in range(20)]
        fields = {
            "X-Request-Id": f"<script>{CANARY}</script>{n}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"instances": rows})
        client.request("POST", f"/v1/models/{quote(MODEL, safe='')}:predict", body, fields)
        assert client.getresponse().read()
    client.close()


def drifting(proxy: Outrider) -> list[str]:
    models: list[dict[str, Any]] = get(proxy.admin, "/api/v1/drift").json()["models"]
    return [c["name"] for model in models for c in model["columns"] if c["state"] == "drift"]


@pytest.mark.needs("chromium")
def test_a_report_of_hostile_traffic_runs_nothing(start, browser: Browser, tmp_path: Path) -> None:
    with counting_model() as model:
        proxy = start(model.url, SETTINGS)
        eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
        send(proxy, 20, [1] * len(HOSTILE))
        eventually(lambda: get(proxy.admin, "/api/v1/reference").status == 200, "a reference")
        send(proxy, 60, [60, *[1] * (len(HOSTILE) - 1)])
        eventually(lambda: len(drifting(proxy)) > len(HOSTILE) // 2, "a drift")
        admin = f"http://{proxy.admin[0]}:{proxy.admin[1]}"
        for name in ("r.html", "r.md", "r.xml", "r.json"):
            done = outrider("report", "--admin", admin, "-o", str(tmp_path / name))
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.splitlines()) == 1
        checked = outrider("check", "--admin", admin, "--health", admin)
    names = {column["name"] for model in json.loads((tmp_path / "r.json").read_text())["models"]
             for column in model["columns"]}  # fmt: skip
    assert f"<script>{CANARY}</script>" in names
    assert ElementTree.parse(tmp_path / "r.xml").getroot().get("failures") != "0"
    lines = (tmp_path / "r.md").read_text().splitlines()
    assert not any("<script" in "".join(line.split("`")[::2]) for line in lines)
    assert all(line.isprintable() for line in checked.stdout.splitlines())
    with closing(browser.new_page()) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "r.html").as_uri())
        assert page.evaluate("document.documentElement.dataset.ran") is None
        assert page.locator("script, img, a, iframe").count() == 0
        assert len(asked) == 1
