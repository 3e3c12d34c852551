"""Routes that are not understood while others are: how many, why, and what to do."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from agent.observer.decodes import Decodes
from agent.observer.pages.unread import LEAST, RECENT, reading, unread
from tests.harness import eventually, get
from tests.observer.outlets import Run, usual
from tests.wire import response

ODD = (b"\x89 no PNG", b"", 0)


def told(*exchanges: Any) -> list[dict[str, Any]]:
    run = Run()
    for exchange in exchanges:
        run.handle([exchange])
    return run.pipeline.decoded.status()


def now(later: float = 0) -> float:
    return usual(b"1").start_ns / 1e9 + later


def test_a_route_that_cannot_be_read_is_told_though_others_are() -> None:
    plain = usual(b"1")._replace(route="/odd it's", request_body=ODD)
    routes = told(usual(b"2"), *[plain] * LEAST)
    [found] = unread(routes, now())
    assert (found["route"], found["part"]) == ("/odd it's", "requests")
    assert (found["unread"], found["of"]) == (LEAST, LEAST)
    assert found["outcome"] in ("unsupported", "malformed")
    assert found["why"]
    assert """'/odd it'"'"'s'""" in found["text"]
    assert unread(routes, now(RECENT + 60)) == [], "nothing was refused for an hour"
    assert unread(told(*[plain] * (LEAST - 1)), now()) == [], "too few to say so"


def test_answers_that_cannot_be_read_are_told_apart_from_requests() -> None:
    odd = usual(b"1")._replace(response_body=(b"?", b"", 0))
    routes = told(*[odd] * 30, *[usual(b"2")] * 10)
    [found] = unread(routes, now())
    assert (found["part"], found["unread"], found["of"]) == ("answers", 30, 40)
    assert found["why"].startswith("the answer: ")
    assert reading(routes[0]).shares() == {"decoded": 1, "answers_decoded": 0.25}
    assert unread(told(*[odd] * 20, *[usual(b"2")] * 20), now()) == [], "half are read"


@pytest.mark.parametrize(
    "changed",
    [
        {"request_body": None},
        {"status": 500},
        {"capture": "unsampled"},
        {"capture": "off"},
        {"capture": "budget"},
    ],
)
def test_what_could_not_become_rows_is_no_failure(changed: dict[str, Any]) -> None:
    routes = told(*[usual(b"1")._replace(**changed)] * 30)
    assert unread(routes, now()) == []
    assert reading(routes[0]).shares() == {"decoded": None, "answers_decoded": None}


def test_a_route_of_which_nothing_is_remembered_harms_nothing() -> None:
    decodes = Decodes()
    decodes.add(("/x", "none", "malformed", ""), 50)
    assert unread(decodes.status()) == []


def test_the_overview_has_it_of_a_real_sidecar(start, own_origin) -> None:
    proxy = start(own_origin.url)
    client = http.client.HTTPConnection(*proxy.address)
    sent = [("/v1/models/m:predict", b'{"instances": [{"age": 39}]}'), *[("/score", ODD[0])] * 20]
    for path, asked in sent:
        client.request("POST", path, asked, {"Content-Type": "application/json"})
        own_origin.serve(response(b'{"predictions": [0.5]}'))
        client.getresponse().read()

    def overview() -> dict[str, Any] | None:
        page = get(proxy.admin, "/api/v1/overview").json()
        done = [route for route in page["routes"] if route["decoded"] is not None]
        return page if page["unread"] and len(done) == 2 else None

    found = eventually(overview, "both routes to be told")
    [one] = found["unread"]
    assert (one["route"], one["unread"], one["of"]) == ("/score", 20, 20)
    shares = {route["route"]: route["decoded"] for route in found["routes"]}
    assert shares == {"/v1/models/{model}:predict": 1, "/score": 0}
