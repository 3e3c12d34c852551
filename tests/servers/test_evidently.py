"""`examples/evidently`: the real Evidently, given what the records keep of real traffic."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import environments
from bench.processes import BenchError
from tests.conftest import in_ci
from tests.harness import Outrider, eventually, free_ports, get
from tests.servers.readme import EXAMPLES
from tests.servers.running import MADE, QUIET

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
FOLDER = EXAMPLES / "evidently"
ASKED = 600
MISREAD = {"color_intensity", "hue", "od280/od315_of_diluted_wines"}


@pytest.fixture(scope="module")
def python() -> Path:
    """That of the example's own environment."""
    try:
        return environments.made(MADE / FOLDER.name, FOLDER / "requirements.txt")
    except BenchError as error:
        (pytest.fail if in_ci() else pytest.skip)(str(error))


@contextmanager
def model_server(python: Path, log: Path) -> Iterator[str]:
    port = free_ports(1)[0]
    command = [str(python), str(EXAMPLES / "model_server.py"), "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        eventually(lambda: b"serving" in log.read_bytes(), "the model server", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run(python: Path, *args: str) -> str:
    done = subprocess.run(
        [python, *args], cwd=FOLDER, env=QUIET, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_evidently_finds_what_was_misread_in_the_records(python: Path, tmp_path: Path) -> None:
    records, page = tmp_path / "records.jsonl", tmp_path / "evidently.html"
    logged = {"capture": {"payload_log": True}, "logs": {"stdout": True}}
    with (
        model_server(python, tmp_path / "server.log") as url,
        Outrider(url, logged, stdout=records) as sidecar,
    ):
        run(python, "ask.py", sidecar.url)
        eventually(lambda: records.read_bytes().count(b"\n") >= ASKED, "its records")
        model = get(sidecar.admin, "/api/v1/drift").json()["models"][0]
        assert (model["model"], model["phase"]) == ("wine", "learning")

    cut = {"request_id": "long", "http.response.status_code": 200, "input": '{"insta… (9 bytes'}
    with records.open("a") as file:
        file.write(json.dumps(cut) + "\n")
    told = run(python, "drift.py", str(records), str(page))
    assert f"{ASKED // 2} rows against {ASKED // 2}" in told
    verdicts = dict(re.findall(r"^(?:drift|stable) +(\S+): (.+)$", told, re.MULTILINE))
    drifted = set(re.findall(r"^drift +(\S+):", told, re.MULTILINE))
    assert len(verdicts) == 15
    assert drifted >= MISREAD
    assert not drifted - MISREAD - {"confidence", "cultivar"}, told
    assert [name for name in verdicts if name not in page.read_text()] == []
