"""Figures that would be wrong in silence: what is divided by what, and who is the peer."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench import contestants as who
from bench import hop, measure, server, workers
from bench.contestants import Contestant
from bench.evidence import Evidence
from bench.load import Load
from bench.measure import Measurement
from bench.processes import Launch
from bench.settings import Settings


def _measured(contestant: Contestant, *us: float, **more: object) -> list[Measurement]:
    """Rounds in which a request cost so many µs."""
    load = Load(requests=1000, seconds=1.0, failed=0, p50=1.0, p99=1.0)
    return [
        Measurement(contestant.name, load, {"1 worker": each / 1e3}, Evidence(), {}, 0.0)
        for each in us
    ]


FIELD = [who.NONE, who.NGINX, who.ENVOY, who.OFF]
RESULTS = {
    who.NONE.name: _measured(who.NONE, 0.0, 0.0),
    who.NGINX.name: _measured(who.NGINX, 10.0, 10.0),
    who.ENVOY.name: _measured(who.ENVOY, 40.0, 40.0),
    who.OFF.name: _measured(who.OFF, 19.0, 21.0),
}


def test_each_ratio_stands_in_the_column_of_its_peer() -> None:
    table = hop.table("x", FIELD, RESULTS)
    cells = dict(zip(table.columns, table.rows[-1], strict=True))
    assert (cells["CPU µs/request"], cells["least–most"]) == ("20.0", "19.0–21.0")
    assert (cells["/ nginx"], cells["/ Envoy plain"]) == ("2.00", "0.50")
    assert cells["/ Envoy observed"] == "–"


@pytest.mark.parametrize(
    ("peers", "named"),
    [
        ((who.ENVOY, who.NGINX), who.ENVOY),
        ((who.ENVOY_OBSERVED, who.ENVOY), who.ENVOY),
        ((who.ALL,), None),
    ],
)
def test_the_first_peer_that_took_part_is_named(
    peers: tuple[Contestant, ...], named: Contestant | None
) -> None:
    chart = hop.bars("x", "µs", FIELD, RESULTS, lambda one: one.us, peers)
    assert chart.peer == (named.title if named else None)
    assert who.NONE.title not in chart.values  # it costs nothing: no bar, no logarithm


def test_instrumentation_adds_what_it_costs_above_the_bare_server_of_its_round() -> None:
    results = {
        who.SERVER.name: _measured(who.SERVER, 100.0, 200.0),
        who.SERVER_DEFAULT.name: _measured(who.SERVER_DEFAULT, 1000.0, 1200.0),
        who.ALL.name: _measured(who.ALL, 40.0, 60.0),
    }
    added = server.Added.of(results)
    assert added.rounds[who.SERVER_DEFAULT.name] == pytest.approx([900.0, 1000.0])
    assert added.rounds[who.ALL.name] == pytest.approx([40.0, 60.0])
    assert who.SERVER.name not in added.rounds
    field = [who.SERVER, who.SERVER_DEFAULT, who.ALL]
    rows = dict(zip(field, server.rows(field, results, added), strict=True))
    factor = server.COLUMNS.index("instrumented adds … × this")
    assert rows[who.ALL][factor] == "19.00"
    assert rows[who.SERVER][factor] == "–"


def test_without_the_bare_server_nothing_is_said_to_be_added() -> None:
    results = {who.SERVER_DEFAULT.name: _measured(who.SERVER_DEFAULT, 1000.0)}
    assert server.Added.of(results).median(who.SERVER_DEFAULT.name) is None


def test_a_failed_or_incomplete_round_is_told() -> None:
    lacking = Measurement("x", RESULTS["envoy"][0].load, {}, Evidence(), {"spans": 3}, 0.0)
    assert hop.verdict(RESULTS["envoy"]) == "yes"
    assert hop.verdict([*RESULTS["envoy"], lacking]) == "**no: 3 spans missing**"


def test_names_are_plain_and_no_two_of_a_field_are_alike() -> None:
    for field in (hop.HOP, hop.FEW, hop.OBSERVED, hop.IDS, server.FIELD, workers.FIELD):
        names = [one.name for one in field]
        assert len(set(names)) == len(names) == len({one.title for one in field})
        assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


@pytest.mark.parametrize(("usable", "expected"), [({0, 1}, [0]), ({0, 1, 2, 3}, [0, 2])])
def test_more_workers_have_more_cores_only_where_there_are_some(
    usable: set[int], expected: list[int]
) -> None:
    settings = Settings(usable=frozenset(usable))
    assert settings.cores(2) == expected
    assert settings.cores(1) == [0]


@pytest.mark.parametrize(
    ("contestant", "rate", "seconds"),
    [
        (who.ALL, measure.WARM, 1),
        (who.ALL, 1, measure.LEARN_LIMIT),
        (who.MITMPROXY, 1, measure.WARM_LIMIT),
    ],
)
def test_warming_up_ends_after_enough_requests_or_seconds(
    contestant: Contestant, rate: int, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def load(port: int, **_: object) -> Load:
        asked.append(port)
        return Load(rate, 1.0, 0, 1.0, 1.0)

    monkeypatch.setattr(measure.load, "wrk", load)
    launch = Launch(argv=[], port=1, ready="")
    running = who.Running(contestant, launch, cast(Any, None), Path(), 0.0)
    measure.warm(cast(Any, SimpleNamespace(settings=Settings())), running)
    assert len(asked) == seconds


def test_all_that_decode_rows_into_sketches_learn_a_reference_first() -> None:
    ours = (who.ALL, who.ALL_GRPC, who.ALL_LOKI, who.ALL_SINKS, *workers.FIELD)
    assert all(one.learns == bool(one.rows) for one in ours)
