"""What the runbooks tell people to type is what the sidecar, Prometheus and Alertmanager take."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Outrider, get
from tests.prometheus.test_rules import EXPOSED, RECORDED, promtool

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
ADMIN = "http://127.0.0.1:8901"


def code() -> Iterator[tuple[str, str]]:
    """What stands between backticks or fences, each with its file."""
    for file in RUNBOOKS:
        text = file.read_text()
        for found in re.findall(r"```\w*\n(.*?)```|`([^`]+)`", text, re.DOTALL):
            for line in "".join(found).replace("\n", " ").split(" && "):
                yield file.name, line


@pytest.mark.needs("promtool")
def test_prometheus_reads_their_queries(tmp_path: Path):
    found = [
        (name, text)
        for name, text in code()
        if (EXPOSED.search(text) or RECORDED.match(text))
        and not text.startswith(("curl", "amtool"))
    ]
    assert len(found) > 30
    rules = [
        {"record": "of:" + re.sub(r"\W", "_", name), "expr": text, "labels": {"n": str(n)}}
        for n, (name, text) in enumerate(found)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    promtool("check", "rules", str(file))


def _is_query(text: str) -> bool:
    named = EXPOSED.search(text) or RECORDED.match(text)
    return named is not None and not text.startswith(("curl", "amtool"))


def test_the_sidecar_takes_their_calls(start, own_origin):
    outrider: Outrider = start(own_origin.url)
    asked = 0
    for name, text in code():
        if not text.startswith("curl"):
            continue
        words = shlex.split(text)
        [url] = [word for word in words if word.startswith("http")]
        if not url.startswith(ADMIN):
            continue
        path = url.removeprefix(ADMIN)
        if "-d" in words:
            order = json.loads(words[words.index("-d") + 1])
            said = _post(outrider, path, order)
            # A good order, for a model that nobody has asked for yet.
            assert said["field"] == "model", (name, text, said)
        else:
            assert get(outrider.admin, path).status == 200, (name, text)
        asked += 1
    assert asked > 10


def _post(outrider: Outrider, path: str, order: object) -> dict[str, str]:
    url = f"http://{outrider.admin[0]}:{outrider.admin[1]}{path}"
    command = ["curl", "-s", "-d", json.dumps(order), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_their_links_lead_somewhere(file: Path):
    for target in re.findall(r"\]\(([^)#]+)", file.read_text()):
        assert (file.parent / target).exists(), target
