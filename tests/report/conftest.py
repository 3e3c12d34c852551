"""A sidecar before the demo's model, whose traffic drifted: what reports are made of here."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.cli import main
from agent.demo import rows
from agent.demo.model_server import MODEL
from tests.fixtures import own_origin, pytest_runtest_makereport, start
from tests.harness import ROOT, Outrider, eventually, free_ports, get

__all__ = ["own_origin", "pytest_runtest_makereport", "start"]

SENT = 250
"""Rows before the shift, and after."""


class Done(NamedTuple):
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def outrider(*arguments: str, cwd: Path | None = None) -> Done:
    """The command, as a person gives it, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd or ROOT), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as wrong:
            status = int(wrong.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def send(proxy: Outrider, wanted: list[rows.Row], name: str) -> None:
    """A request a row, and waits until all are judged."""
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "its observer")
    before = proxy.metrics().accounted()
    client = http.client.HTTPConnection(*proxy.address)
    for n, row in enumerate(wanted):
        body = json.dumps({"instances": [row]})
        client.request("POST", f"/v1/models/{MODEL}:predict", body, {"x-request-id": f"{name}-{n}"})
        assert client.getresponse().read()
    client.close()
    eventually(lambda: proxy.metrics().accounted() >= before + len(wanted), "all records' end")


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """The demo's model server."""
    [port] = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.demo.model_server", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def is_ready() -> bool:
        try:
            return get(("127.0.0.1", port), "/healthz").status == 200
        except OSError:
            return False

    try:
        eventually(is_ready, "the model", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def drifted(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outrider]:
    """The demo's story, told quickly: its rows, then the same after the photometer's new lamp."""
    folder = tmp_path_factory.mktemp("wines")
    known = rows.load()
    rows.write_csv(known, folder / "wines.csv")
    built = outrider(
        "profile", "build", str(folder / "wines.csv"), "-o", str(folder / "wines.json"),
        "--model", MODEL,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    settings = {"drift": {"window": {"rows": 100, "seconds": "5s"}}}
    args = ["--reference", str(folder / "wines.json")]
    with Outrider(model_url, settings, args=args) as proxy:
        drawn = rows.draw(known, 1)
        send(proxy, [*itertools.islice(drawn, SENT)], "before")
        send(proxy, [rows.shifted(row) for row in itertools.islice(drawn, SENT)], "after")

        def is_told() -> bool:
            [model] = get(proxy.admin, "/api/v1/drift").json()["models"]
            found = {c["name"] for c in model["columns"] if c["state"] == "drift"}
            events = get(proxy.admin, "/api/v1/history").json()["events"]
            told = " ".join(event["text"] for event in events)
            return found >= rows.SHIFT.keys() and all(name in told for name in rows.SHIFT)

        eventually(is_told, "the drift")
        yield proxy
