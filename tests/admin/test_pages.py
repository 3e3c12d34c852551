"""The page's files, how they are served, and how much they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agent.admin.pages import POLICY, load
from tests.admin.test_server import get
from tests.ship.sinks import run

MOST = 150_000
"""Bytes of the whole page."""
FILES = load()


def test_the_page_and_its_files() -> None:
    for name, body in FILES.items():
        path = "/" if name == "index.html" else f"/{name}"
        status, headers, text = run(get(path))
        assert (status, text.encode()) == (200, body)
        kind = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
        assert headers["Content-Type"].startswith(kind.get(name.rpartition(".")[2], "image/"))
        assert headers["Cache-Control"] == "no-cache"
    assert run(get("/index.html"))[0] == 404


def test_what_a_browser_has_is_not_sent_again() -> None:
    tag = run(get("/main.js"))[1]["ETag"]
    for given, status in ((tag, 304), (f'W/{tag}, "other"', 304), ("*", 304), ('"other"', 200)):
        found, headers, body = run(get("/main.js", **{"If-None-Match": given}))
        assert (found, bool(body)) == (status, status == 200)
        assert headers["ETag"] == tag


@pytest.mark.parametrize("path", ["/", "/main.js", "/metrics", "/api/v1/status", "/nowhere"])
def test_every_answer_carries_the_policy(path: str) -> None:
    headers = run(get(path))[1]
    assert {name: headers[name] for name in POLICY} == POLICY


def test_a_refusal_carries_it_too() -> None:
    headers = run(get("/", Host="attacker.example"))[1]
    assert headers["Content-Security-Policy"] == POLICY["Content-Security-Policy"]


def test_all_of_it_is_small() -> None:
    assert sum(map(len, FILES.values())) < MOST


def test_it_reaches_for_nothing_outside_and_makes_no_markup_of_text() -> None:
    """What the policy forbids is not tried either."""
    for name, body in FILES.items():
        text = body.decode()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, name
        assert not re.search(r"\sstyle=|<script>|\son\w+=\"", text), name
        addresses = set(re.findall(r"https?://[\w.]+", text))
        assert addresses <= {"http://www.w3.org", "https://jaeger.example"}, name
    found = {reference for body in FILES.values() for reference in _imports(body.decode())}
    assert found <= set(FILES)


def _imports(text: str) -> list[str]:
    return re.findall(r'from "\./([\w.]+)"', text) + re.findall(r'(?:src|href)="([\w.]+)"', text)


def test_the_wheel_has_the_page(tmp_path: Path) -> None:
    """Files that are no Python are packed too: the build takes all that stands in the package."""
    root = Path(__file__).parents[2]
    ignored = (root / ".gitignore").read_text().split()
    assert not any(line.endswith((".js", ".css", ".html", "web/")) for line in ignored)
    from hatchling.builders.wheel import WheelBuilder

    builder = WheelBuilder(str(root))
    packed = {file.distribution_path for file in builder.recurse_included_files()}
    assert {f"agent/admin/web/{name}" for name in FILES} <= packed


def test_the_errors_of_the_api_are_json() -> None:
    assert "error" in json.loads(run(get("/api/v1/status", Host="attacker.example"))[2])
