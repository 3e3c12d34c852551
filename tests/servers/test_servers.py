"""A sidecar that is told `--upstream` alone, before real model servers and their own clients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from bench.processes import BenchError
from tests.conftest import in_ci
from tests.harness import Outrider, eventually, get
from tests.servers.cases import CASES, EMBEDDING, Case
from tests.servers.readme import EXAMPLES
from tests.servers.running import Served, served

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
LEARNED = {"drift": {"reference": {"learn": {"rows": 100}}}}
"""At least; a user waits for 5,000 rows."""
TRIES = 30
CONFIDENCE = "(confidence)"
"""Is learned beside a classifier's probabilities; no server sends it."""


class Example(NamedTuple):
    """One whose server runs, with a sidecar before it that was asked once."""

    case: Case
    server: Served
    sidecar: Outrider
    direct: str
    """What the client printed when it asked the server itself."""
    through: str
    """And through the sidecar."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    case: Case = request.param
    with ExitStack() as stack:
        try:
            context = served(EXAMPLES / case.name, case.ready, tmp_path_factory.mktemp(case.name))
            server = stack.enter_context(context)
        except BenchError as error:
            (pytest.fail if in_ci() else pytest.skip)(str(error))
        sidecar = stack.enter_context(Outrider(server.url))
        yield Example(case, server, sidecar, server.ask(server.url), server.ask(sidecar.url))


def drift_of(sidecar: Outrider) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = get(sidecar.admin, "/api/v1/drift").json()["models"]
    return models


def named(models: list[dict[str, Any]]) -> dict[str, tuple[set[str], set[str]]]:
    """Inputs and outputs of each model, of all its versions, learned or being learned."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for model in models:
        sides = found.setdefault(model["model"], (set(), set()))
        for column in model["learning"]["columns"] if model["learning"] else model["columns"]:
            if column["name"] != CONFIDENCE:
                sides[column["side"] == "output"].add(_whole(column["name"]))
    return found


def _whole(name: str) -> str:
    """EMBEDDING for one of its numbers, while it is learned, or one of its measures, then."""
    return re.sub(r"\(.*\) embedding|embedding-\d+", EMBEDDING, name)


def test_clients_get_the_servers_own_answers(example: Example) -> None:
    assert example.direct.strip()
    assert example.through == example.direct


def test_the_status_names_each_routes_dialect_and_nothing_is_left_undecoded(
    example: Example,
) -> None:
    def told() -> dict[str, dict[str, Any]]:
        routes = get(example.sidecar.admin, "/api/v1/status").json()["decode"]
        return {route["route"]: route for route in routes}

    wanted = example.case.dialects
    found = eventually(lambda: (now := told()).keys() >= wanted.keys() and now, "all routes")
    chosen = {
        route: {dialect["dialect"] for dialect in one["dialects"]} for route, one in found.items()
    }
    assert chosen == wanted
    outcomes = {
        outcome
        for route in found.values()
        for dialect in route["dialects"]
        for outcome in dialect["outcomes"]
    }
    assert outcomes == {"ok"}
    refused = {outcome for route in found.values() for outcome in route["not_decoded"]}
    assert refused <= example.case.may_refuse, found


def test_the_drift_page_names_inputs_and_outputs(example: Example) -> None:
    def now() -> dict[str, tuple[set[str], set[str]]]:
        return named(drift_of(example.sidecar))

    wanted = example.case.columns
    eventually(lambda: sum(map(_size, now().values())) >= sum(map(_size, wanted.values())), "rows")
    assert now() == wanted


def test_what_was_learned_of_them_is_counted(example: Example) -> None:
    with Outrider(example.server.url, LEARNED) as sidecar:
        for _ in range(TRIES):
            example.server.ask(sidecar.url)
            eventually(lambda: _all_seen(sidecar), "its records")
            models = drift_of(sidecar)
            if models and all(model["phase"] == "watching" for model in models):
                break
        assert named(drift_of(sidecar)) == example.case.columns
        example.server.ask(sidecar.url)
        wanted = {
            (model, side, name)
            for model, sides in example.case.columns.items()
            for side, names in zip(("input", "output"), sides, strict=True)
            for name in names
        }
        eventually(lambda: counted(sidecar) >= wanted, f"rows of all of {wanted}")
        assert sidecar.metric("outrider_column_bin_total", bin="0") > 0
        assert sidecar.metric("outrider_column_bin_total", bin="invalid") == 0


def counted(sidecar: Outrider) -> set[tuple[str, str, str]]:
    """Model, side and name of each column of which rows were counted."""
    family = sidecar.metrics().families.get("outrider_column_values")
    return {
        (sample.labels["model"], sample.labels["side"], _whole(sample.labels["column"]))
        for sample in (family.samples if family else ())
        if sample.name == "outrider_column_values_total" and sample.value > 0
    }


def _all_seen(sidecar: Outrider) -> bool:
    scrape = sidecar.metrics()
    return scrape.value("outrider_records_total", stage="observed") == scrape.accounted()


def _size(sides: tuple[set[str], set[str]]) -> int:
    return len(sides[0]) + len(sides[1])
