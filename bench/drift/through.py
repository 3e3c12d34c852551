"""A history as HTTP requests through Outrider, and what it says after each window.

The profile is built by `outrider profile build`, the sidecar is `outrider run` before a model
server (`recorded`), a request is a row, and verdicts are read from `/api/v1/drift` when a window is
judged.

Theory: a window is charged by the time that it covers. Rows are therefore due at a fixed pace, and
the budget is said in windows at that pace: one false alarm in 8,640 windows, which is 30 days of
windows of 5 minutes. What was really covered is kept: windows that came late were allowed more.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bench import outrider, processes
from bench.drift.ours import WINDOWS
from bench.drift.series import History, Part
from bench.processes import BenchError, Launch
from bench.rig import ROOT

MODEL = "replayed"
ROW, LEAST = 0.0015, 0.5
"""Seconds from a row to the next, if both sides keep up; of a window, whatever its rows."""
PATIENCE = 60.0
"""Seconds that a complete window may take to be judged."""


@dataclass(frozen=True)
class Alarm:
    """A column's way into drift. Effects are in the reference's standard deviations."""

    window: int
    """From 1."""
    column: str
    test: str
    direction: str
    effect: float
    span: int
    """Windows."""
    examples: int
    sent: int
    """Of these, named by a request of that very window."""


class Watched(NamedTuple):
    """What Outrider said of a history."""

    said: list[list[str]]
    """Columns in drift after each window, derived ones among them."""
    alarms: list[Alarm]
    seconds: float
    """That all windows covered."""
    allowed: float
    """False alarms in that time."""


def pace(size: int) -> float:
    """Seconds of a window of so many rows."""
    return max(size * ROW, LEAST)


def budget(size: int) -> str:
    """`drift.false_alarms`: one in 8,640 windows of so many rows at our pace."""
    return f"1 per {WINDOWS * pace(size):g}s"


def jsonl(part: Part, file: Path, at: bool = False) -> Path:
    """The rows as JSON Lines, inputs and outputs; `at`: with their times."""
    times = part.at if at else None
    with file.open("w") as out:
        for i, (asked, answered) in enumerate(part.rows()):
            when = {"at": times[i]} if times else {}
            out.write(json.dumps(when | asked | answered) + "\n")
    return file


def profile(part: Part, folder: Path, *typed: str) -> Path:
    """A reference of these rows, as `outrider profile build` makes it. Raises BenchError."""
    rows = jsonl(part, folder / "reference.jsonl", at="--timestamp" in typed)
    file = folder / "reference.json"
    _outrider("profile", "build", rows, "-o", file, "--outputs", ",".join(part.outputs), *typed)
    return file


def backtest(rows: Path, reference: Path, *typed: str) -> list[dict[str, Any]]:
    """The lines of `outrider drift backtest --json`. Raises BenchError."""
    told = _outrider("drift", "backtest", rows, "--reference", reference, "--json", *typed)
    return [json.loads(line) for line in told.splitlines()]


def _outrider(*words: str | Path) -> str:
    done = subprocess.run(
        [outrider.command(), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode:
        raise BenchError(f"outrider {words[0]} {words[1]}: {done.stderr[-500:]}")
    return done.stdout


def watch(history: History, reference: Path, folder: Path) -> Watched:
    """Sends all windows and reads what is said of each. Raises BenchError."""
    said: list[list[str]] = [[]]
    alarms: list[Alarm] = []
    with _running(history, reference, folder) as (port, admin):
        sender = _Sender(port, pace(history.size) / history.size)
        began = time.time()
        for number, window in enumerate(history.windows, 1):
            sender.send(window)
            shown = _judged(admin, number)
            drifting = [c for c in shown["columns"] + shown["derived"] if c["state"] == "drift"]
            new = [column for column in drifting if column["name"] not in said[-1]]
            alarms += [_alarm(number, column, history.size) for column in new]
            said.append([column["name"] for column in drifting])
        if shown["unseen"]["share"]:
            raise BenchError(f"rows were not seen: {shown['unseen']}")
    seconds = shown["window"]["opened"] - began
    return Watched(said[1:], alarms, seconds, seconds / (WINDOWS * pace(history.size)))


def _alarm(number: int, column: dict[str, Any], size: int) -> Alarm:
    sent = {f"row-{row}" for row in range((number - 1) * size, number * size)}
    examples = [one["request_id"] for one in column["examples"]]
    return Alarm(
        number,
        column["name"],
        column["test"],
        column["direction"],
        column["effect"] or 0.0,
        column["span"] or 0,
        len(examples),
        sum(one in sent for one in examples),
    )


class _Sender:
    """One connection, a row a request, each due at its time."""

    def __init__(self, port: int, each: float) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._began, self._each = time.perf_counter(), each
        self._row = 0

    def send(self, window: Part) -> None:
        """Its rows in order. Raises BenchError for an answer that is not 200."""
        for asked, _ in window.rows():
            due = self._began + self._row * self._each - time.perf_counter()
            if due > 0:
                time.sleep(due)
            head = {
                "content-type": "application/json",
                "x-row": str(self._row),
                "x-request-id": f"row-{self._row}",
            }
            body = json.dumps({"instances": [asked]})
            self._connection.request("POST", f"/v1/models/{MODEL}:predict", body, head)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise BenchError(f"row {self._row} was answered with {answer.status}")
            self._row += 1


def _judged(admin: str, windows: int) -> dict[str, Any]:
    """The model's verdicts once so many windows have been judged. Raises BenchError."""
    until = time.perf_counter() + PATIENCE
    models: list[dict[str, Any]] = []
    while time.perf_counter() < until:
        connection = http.client.HTTPConnection(admin, timeout=30)
        connection.request("GET", "/api/v1/drift")
        models = json.load(connection.getresponse())["models"]
        connection.close()
        if models and models[0]["windows_judged"] >= windows:
            if models[0]["windows_judged"] > windows:
                raise BenchError("a window was judged before its rows were complete")
            found: dict[str, Any] = models[0]
            return found
        time.sleep(0.005)
    seen = models[0]["window"]["rows"] if models else 0
    raise BenchError(
        f"window {windows} was not judged in {PATIENCE:g} s: {seen} of its rows were seen; "
        "is the machine too busy?"
    )


@contextmanager
def _running(history: History, reference: Path, folder: Path) -> Iterator[tuple[int, str]]:
    """The port to send to, and the address to ask."""
    answers = folder / "answers.jsonl"
    answers.write_text(
        "".join(json.dumps(answered) + "\n" for _, answered in history.analysis.rows())
    )
    port = processes.free_port()
    model = Launch(
        argv=[outrider.command().with_name("python"), "-m", "bench.drift.recorded", str(port),
              answers],
        port=port,
        ready=f"http://127.0.0.1:{port}/",
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    drift = {
        "reference": str(reference),
        "window": {"rows": history.size, "seconds": "1h"},
        "false_alarms": budget(history.size),
    }
    env = {"PYTHONPATH": str(ROOT), "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    sidecar = outrider.proxy(folder, port, "all", env=env, drift=drift)
    assert sidecar.metrics
    with ExitStack() as stack:
        for launch, name in ((model, "model"), (sidecar, "outrider")):
            errors = folder / f"{name}.err"
            process = processes.start(launch, os.sched_getaffinity(0), errors)
            stack.enter_context(processes.ended(process))
            processes.wait_ready(process, launch, errors)
        observer = replace(sidecar, ready=sidecar.metrics)  # readiness is the worker's, not its
        processes.wait_ready(process, observer, errors)
        yield sidecar.port, sidecar.metrics.removeprefix("http://").partition("/")[0]


def states(lines: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Columns in drift after each window of a backtest."""
    return [
        [one["column"] for one in line["verdicts"] if one.get("state") == "drift"]
        for line in lines
        if line["kind"] == "window"
    ]
