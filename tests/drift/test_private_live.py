"""The whole way: what a row says of people is in nothing that Outrider keeps, shows or logs."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.drift.reference.private import HASH
from tests.faults.load import Model, counting_model
from tests.harness import DEADLINE, Outrider, eventually, get

pytestmark = pytest.mark.slow

PATH = "/v1/models/churn:predict"
LEARNED, WINDOW = 600, 150
PEOPLE = [f"planted{i:02}" for i in range(25)]
DRIFT = {
    "reference": {"learn": {"rows": LEARNED}},
    "window": {"rows": WINDOW, "seconds": "1h"},
    "false_alarms": "1 per 1d",
}


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with counting_model() as model:
        yield model


def row(chance: random.Random, people: Sequence[str]) -> dict[str, object]:
    who = chance.choice(people)
    return {
        "mail": f"{who}@example.com",
        "said": f"{who} wrote: " + "well " * chance.randrange(30),
        "since": f"20{who[-2:]}-01-02T03:04:05Z",
    }


class Rows:
    """Requests of a row each, and what is then known."""

    def __init__(self, proxy: Outrider) -> None:
        self.proxy = proxy
        self.chance = random.Random(6)
        self.sent = int(proxy.metrics().accounted())

    def send(self, count: int, people: Sequence[str] = PEOPLE, **wrong: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=DEADLINE)
        for n in range(count):
            body = json.dumps({"instances": [{**row(self.chance, people), **wrong}]})
            connection.request("POST", PATH, body, {"x-request-id": f"r-{self.sent + n}"})
            assert connection.getresponse().read()
        connection.close()
        self.sent += count
        eventually(lambda: self.proxy.metrics().accounted() >= self.sent, "all records' end")
        [found] = get(self.proxy.admin, "/api/v1/drift").json()["models"]
        return {column["name"]: column for column in found["columns"]}


def test_what_rows_say_of_people_is_kept_shown_and_logged_nowhere(start, model, tmp_path: Path):
    state = tmp_path / "state"
    proxy = start(model.url, {"drift": DRIFT, "state_dir": str(state)})
    rows = Rows(proxy)
    columns = rows.send(LEARNED + 2 * WINDOW)
    kinds = {name: columns[name]["kind"] for name in ("mail", "said", "since")}
    assert kinds == {"mail": "categorical", "said": "text", "since": "timestamp"}
    assert {columns[name]["state"] for name in kinds} == {"stable"}

    for _ in range(4):
        columns = rows.send(WINDOW, PEOPLE[:8], said=f"{PEOPLE[3]} " * 99, since=PEOPLE[4])
        if all(columns[name]["state"] == "drift" for name in kinds):
            break
    found = {name: columns[name]["state"] for name in kinds}
    assert found == dict.fromkeys(kinds, "drift"), columns
    assert columns["mail"]["hashed"]
    assert any(HASH.fullmatch(moved["bin"]) for moved in columns["mail"]["moved"])
    assert HASH.fullmatch(columns["mail"]["examples"][0]["bin"])
    assert columns["said"]["examples"][0]["bin"].startswith("length > ")
    assert columns["since"]["invalid"] > 0

    eventually(lambda: len([*state.rglob("evidence-*.bin")]) == 1, "evidence to be kept")
    eventually(lambda: proxy.said('"column":"mail"') or proxy.said('"column": "mail"'), "a line")
    shown = [get(proxy.admin, f"/{page}").body for page in ("metrics", "api/v1/drift")]
    reference = get(proxy.admin, "/api/v1/reference").body
    proxy.stop()
    kept = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    assert any(reference[:200] in file for file in kept)
    everything = b"\n".join([*shown, reference, *kept, proxy.stderr().encode()])
    assert b"planted" not in everything
    assert not proxy.said("Traceback")
