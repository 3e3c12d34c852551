"""The whole way: from traffic to an alarm, to the requests, to what a person decides; and all of
it again after the observer was killed."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.drift.state.resume import unpacked
from tests.faults.generations import ended, succeed
from tests.faults.load import Model, counting_model
from tests.harness import DEADLINE, Answer, Outrider, eventually, get

pytestmark = pytest.mark.slow

PATH = "/v1/models/churn:predict"
LEARNED, WINDOW = 1000, 200
DRIFT = {
    "reference": {"learn": {"rows": LEARNED}},
    "window": {"rows": WINDOW, "seconds": "1h"},
    "false_alarms": "1 per 1d",
}
ACKNOWLEDGE, REFERENCE = "/api/v1/drift/acknowledge", "/api/v1/reference"


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with counting_model() as model:
        yield model


def ask(address: tuple[str, int], method: str, path: str, body: Any = None) -> Answer:
    connection = http.client.HTTPConnection(*address, timeout=DEADLINE)
    try:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, raw)
        got = connection.getresponse()
        return Answer(got.status, got.read())
    finally:
        connection.close()


class Traffic:
    """Requests of one row each, on one connection; their ids say when they were sent."""

    def __init__(self, proxy: Outrider) -> None:
        self.proxy = proxy
        self.numbers = random.Random(1)
        self.sent = int(proxy.metrics().accounted())

    def send(self, count: int, name: str, shift: float = 0.0) -> None:
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=DEADLINE)
        for n in range(count):
            row = {"age": self.numbers.gauss(shift, 1), "income": self.numbers.gauss(0, 1)}
            body = json.dumps({"instances": [row]})
            connection.request("POST", PATH, body, {"x-request-id": f"{name}-{n}"})
            assert connection.getresponse().read()
        connection.close()
        self.taken(count)

    def taken(self, count: int) -> None:
        """Waits until so many more records have come to their end."""
        self.sent += count
        eventually(lambda: self.proxy.metrics().accounted() >= self.sent, "all records' end")

    def drift(self) -> dict[str, Any]:
        [found] = get(self.proxy.admin, "/api/v1/drift").json()["models"]
        return found

    def column(self, name: str = "age") -> dict[str, Any]:
        return next(c for c in self.drift()["columns"] if c["name"] == name)

    def until(self, state: str, windows: int, name: str, shift: float = 0.0) -> None:
        """Sends windows until the column is in this state."""
        for n in range(windows):
            if self.column()["state"] == state:
                return
            self.send(WINDOW, f"{name}-{n}", shift)
        assert self.column()["state"] == state, self.drift()

    def kill_the_observer(self) -> None:
        before = self.proxy.pid("observer")
        os.kill(before, signal.SIGKILL)
        eventually(lambda: self.proxy.pid("observer") != before, "another observer")
        eventually(lambda: self.proxy.metric("outrider_build_info") == 1, "it answers")

    def until_kept(self, folder: Path, pattern: str) -> None:
        """Waits until the evidence of all windows is in the file: it is written a moment after."""
        windows = self.drift()["windows_judged"]

        def kept() -> bool:
            return any(unpacked(f.read_bytes()).windows == windows for f in folder.glob(pattern))

        eventually(kept, "evidence to be kept")


def alarms(proxy: Outrider) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in proxy.stderr().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("after") == "drift" and "column" in line]


def test_from_the_alarm_to_the_requests_and_what_is_decided(start, model, tmp_path: Path):
    proxy = start(model.url, {"drift": DRIFT, "state_dir": str(tmp_path / "state")})
    traffic = Traffic(proxy)
    traffic.send(LEARNED + 2 * WINDOW, "quiet")
    assert traffic.drift()["alarms"] == {"open": 0, "acknowledged": 0}
    traffic.until("drift", 4, "moved", 2.0)

    column = traffic.column()
    assert column["effect"] > 0.5
    assert column["examples"]
    names = [example["request_id"] for example in column["examples"]]
    # The first window of the drift may begin with rows from before it.
    assert any(name.startswith("moved-") for name in names), names
    for example in column["examples"]:
        assert (example["trace_id"], bool(example["bin"])) == (None, True)
    eventually(lambda: alarms(proxy), "a line of the alarm")
    [line] = alarms(proxy)
    assert (line["level"], line["model"], line["column"]) == ("warning", "churn", "age")
    assert (line["before"], line["side"]) == ("stable", "input")
    assert line["since"] == column["since"]
    assert {"rows", "effect", "threshold"} <= line.keys()
    assert set(line["examples"]) <= {e["request_id"] for e in column["examples"]}

    muted = ask(proxy.admin, "POST", ACKNOWLEDGE, {
        "model": "churn", "action": "mute", "column": "age", "until": "2h", "by": "kim",
    })  # fmt: skip
    assert muted.status == 200, muted
    assert traffic.drift()["alarms"] == {"open": 0, "acknowledged": 1}
    refused = ask(proxy.admin, "POST", ACKNOWLEDGE, {"model": "churn", "action": "mute"})
    assert (refused.status, refused.json()["field"]) == (400, "until")

    learned = ask(proxy.admin, "GET", f"{REFERENCE}?model=churn")
    assert learned.status == 200
    assert proxy.said(f"rows of its traffic ({learned.json()['hash'][:8]})")
    damaged = learned.body.replace(b'"missing": 0', b'"missing": 1', 1)
    bad = ask(proxy.admin, "PUT", f"{REFERENCE}?model=churn", damaged)
    assert (bad.status, bad.json()["field"]) == (400, "hash")

    saved = traffic.column()
    traffic.until_kept(tmp_path / "state", "evidence-*.bin")
    traffic.kill_the_observer()
    assert traffic.column() == saved
    assert traffic.drift()["alarms"] == {"open": 0, "acknowledged": 1}
    assert traffic.column()["acknowledged"]["by"] == "kim"
    assert ask(proxy.admin, "GET", REFERENCE).json() == learned.json()

    traffic.send(2 * WINDOW, "on", 2.0)
    renewed = ask(proxy.admin, "POST", ACKNOWLEDGE, {
        "model": "churn", "action": "new_normal", "column": "age", "note": "new market",
    })  # fmt: skip
    assert renewed.status == 200, renewed
    traffic.until("stable", 4, "moved too", 2.0)
    traffic.kill_the_observer()
    assert ask(proxy.admin, "GET", REFERENCE).json()["hash"] == renewed.json()["reference"]
    assert traffic.column()["renewed"]["note"] == "new market"

    put = ask(proxy.admin, "PUT", f"{REFERENCE}?model=churn&by=kim", learned.body)
    assert (put.status, put.json()["hash"]) == (200, learned.json()["hash"])
    traffic.kill_the_observer()
    reference = traffic.drift()["reference"]
    assert (reference["source"], reference["published"]["by"]) == ("published", "kim")
    assert not proxy.said("Traceback")


def test_without_a_state_dir_an_observer_that_dies_is_no_loss_and_nothing_is_left(
    start, model, tmp_path: Path
):
    proxy = start(model.url, {"drift": DRIFT}, env={"TMPDIR": str(tmp_path)})
    traffic = Traffic(proxy)
    traffic.send(LEARNED + 2 * WINDOW, "quiet")
    traffic.until("drift", 4, "moved", 2.0)
    saved, learned = traffic.column(), ask(proxy.admin, "GET", REFERENCE).json()
    traffic.until_kept(tmp_path, "outrider-*/evidence-*.bin")
    traffic.kill_the_observer()
    assert (traffic.column(), ask(proxy.admin, "GET", REFERENCE).json()) == (saved, learned)
    assert get(proxy.admin, "/api/v1/drift").json()["learned_references"]["kept_in"] == "memory"
    proxy.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_period_is_told_and_goes_on_after_a_restart(start, model, tmp_path: Path):
    learn = {"learn": {"rows": LEARNED, "period": "7d"}}
    settings = {"drift": DRIFT | {"reference": learn}, "state_dir": str(tmp_path)}
    proxy = start(model.url, settings)
    traffic = Traffic(proxy)
    traffic.send(LEARNED + 2 * WINDOW, "quiet")
    before = traffic.drift()
    assert before["period"]["told"] == "learning its variation: day 1 of 7"
    assert before["period"]["days"] > 0
    assert "learning its variation" in " ".join(before["caveats"])
    proxy.stop()
    again = Traffic(start(model.url, settings))
    assert again.drift()["period"] == before["period"]
    assert again.drift()["reference"] == before["reference"]


def test_rows_that_nobody_saw_are_said_beside_the_verdicts(start, model):
    proxy = start(model.url, {"drift": DRIFT, "capture": {"max_body_bytes": 200}})
    traffic = Traffic(proxy)
    traffic.send(200, "small")
    long = json.dumps({"instances": [{"age": 1, "income": 2, "note": "x" * 300}]}).encode()
    for _ in range(10):
        assert ask(proxy.address, "POST", PATH, long).status == 200
        assert ask(proxy.address, "GET", PATH).status == 200  # no row, so none is missing
    traffic.taken(20)
    found = traffic.drift()
    assert found["unseen"]["rows_by_reason"] == {"too_large": 10}
    assert found["unseen"]["share"] == pytest.approx(10 / 210)
    assert "too_large" in found["caveats"][0]
    name, labels = "outrider_drift_unseen_rows_total", {"model": "churn", "reason": "too_large"}
    assert proxy.metric(name, **labels) == 10


def test_the_next_generation_goes_on_with_the_alarm(start, model, tmp_path: Path):
    old = start(model.url, {"drift": DRIFT, "state_dir": str(tmp_path)})
    traffic = Traffic(old)
    traffic.send(LEARNED + 2 * WINDOW, "quiet")
    traffic.until("drift", 4, "moved", 2.0)
    ask(old.admin, "POST", ACKNOWLEDGE, {"model": "churn", "action": "mute", "until": "1d"})
    saved = traffic.column()
    traffic.until_kept(tmp_path, "evidence-*.bin")
    after = Traffic(succeed(start, old))
    assert after.column() == saved
    ended(old)
    judged = after.drift()["windows_judged"]
    after.send(2 * WINDOW, "on", 2.0)
    assert after.drift()["windows_judged"] > judged
    assert after.drift()["alarms"] == {"open": 0, "acknowledged": 1}
