"""Contestants are started for real, pass a request on, and leave the records that they owe."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from bench import contestants as who
from bench import evidence
from bench.contestants import Contestant
from bench.rig import Rig, rig
from bench.settings import Settings
from bench.workload import ANSWER, PATH, bodies
from tests.harness import eventually

REQUESTS = 20
pytestmark = [pytest.mark.slow, pytest.mark.needs("nginx")]


@pytest.fixture(scope="module")
def surroundings() -> Iterator[Rig]:
    with rig(Settings(rounds=1)) as made:
        yield made


def _send(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for body in bodies()[:REQUESTS]:
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, ANSWER.encode())
    connection.close()


@pytest.mark.parametrize(
    "contestant",
    [
        who.NONE,
        who.NGINX,
        pytest.param(who.HAPROXY, marks=pytest.mark.needs("haproxy")),
        who.ENVOY,
        who.ENVOY_LOG,
        who.ENVOY_OBSERVED,
        who.AIOHTTP,
        who.OFF,
        who.SIGNALS,
    ],
    ids=lambda contestant: str(contestant.name),
)
def test_each_answers_and_owes_exactly_what_it_leaves(
    contestant: Contestant, surroundings: Rig
) -> None:
    with who.running(surroundings, contestant) as one:
        before = evidence.outside(surroundings, one)
        _send(one.launch.port)

        def owed() -> bool:
            arrived = evidence.outside(surroundings, one).since(before)
            return not arrived.lacking(contestant, REQUESTS)

        eventually(owed, "all that it owes")
        arrived = evidence.outside(surroundings, one).since(before)
        assert arrived.spans == contestant.spans * REQUESTS
        assert arrived.logs == contestant.logs * REQUESTS
        if one.launch.log:
            for line in one.launch.log.read_bytes().splitlines():
                json.loads(line)
