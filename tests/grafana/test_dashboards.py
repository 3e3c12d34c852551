"""The dashboards' JSON: what the code makes, what the SDK's types know, and a grid that holds."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import panelcfg_config
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from examples.grafana.source.boards import encoded
from tests.grafana.boards import BOARDS, FOLDER, panels, put, queries
from tests.harness import ROOT

register_default_plugins()
EACH = pytest.mark.parametrize("name", BOARDS)
UNITS = {value for value in vars(units).values() if isinstance(value, str)}
OURS = {"titleFormat", "tagKeys", "step"}
"""Of an annotation that asks Prometheus: Grafana's, which the SDK's type lacks."""
BUILT_IN = {"__interval", "__rate_interval", "__range"}
RUNBOOKS = ROOT / "docs" / "runbooks"


def test_what_is_checked_in_is_what_the_code_makes() -> None:
    made = encoded()
    assert {file.stem for file in FOLDER.glob("*.json")} == made.keys()
    for name, text in made.items():
        assert (FOLDER / f"{name}.json").read_text() == text, "make dashboards"


def again(board: dict[str, Any]) -> Any:
    """Read by the SDK's types and written anew."""
    read = Dashboard.from_json(copy.deepcopy(board))
    return json.loads(json.dumps(read, cls=JSONEncoder))


@EACH
def test_the_types_know_every_key(name: str) -> None:
    board = copy.deepcopy(BOARDS[name])
    for marks in board["annotations"]["list"]:
        assert marks.keys() >= OURS
        for key in OURS:
            del marks[key]
    assert again(board) == board


def test_a_key_that_the_types_do_not_know_is_found() -> None:
    board = copy.deepcopy(BOARDS["service"])
    board["panels"][1]["options"]["graphModus"] = "area"
    assert again(board) != board


@EACH
def test_every_panel_is_one_that_the_types_know(name: str) -> None:
    for panel in panels(BOARDS[name]):
        assert panel["type"] == "row" or panelcfg_config(panel["type"]) is not None
        assert panel["type"] == "row" or isinstance(Panel.from_json(panel), Panel)


@EACH
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    numbers = Counter(panel["id"] for panel in panels(BOARDS[name]))
    assert set(numbers.values()) == {1}
    for within in (BOARDS[name]["panels"], *(p.get("panels", []) for p in BOARDS[name]["panels"])):
        taken: Counter[tuple[int, int]] = Counter()
        for panel in within:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24
            taken.update((at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"]))
        assert not taken or set(taken.values()) == {1}


@EACH
def test_every_panel_says_what_it_means_and_in_which_unit(name: str) -> None:
    for panel in panels(BOARDS[name]):
        if panel["type"] == "row":
            continue
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        if panel["type"] in ("timeseries", "stat"):
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        if panel["type"] == "heatmap":
            assert panel["options"]["yAxis"]["unit"] in UNITS
    titles = Counter(panel["title"] for panel in panels(BOARDS[name]))
    assert set(titles.values()) == {1}


@EACH
def test_variables_are_declared_before_they_are_used(name: str) -> None:
    known = set(BUILT_IN)
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            put(f"{variable['query']} {variable['datasource']['uid']}", dict.fromkeys(known, "x"))
        known.add(variable["name"])
    for query in queries("prometheus") + queries("loki"):
        if query.board == name:
            put(query.expr, dict.fromkeys(known, "x"))
    for panel in panels(BOARDS[name]):
        if "datasource" in panel:
            put(panel["datasource"]["uid"], dict.fromkeys(known, "x"))


def test_boards_are_told_apart_and_link_to_each_other() -> None:
    ids = [board["uid"] for board in BOARDS.values()]
    assert len(set(ids)) == len(ids) == 3
    for board in BOARDS.values():
        assert "outrider" in board["tags"]
        assert "id" not in board  # Grafana gives it
        [others] = [link for link in board["links"] if link["type"] == "dashboards"]
        assert others["tags"] == ["outrider"]
    linked = set(re.findall(r"/d/([\w-]+)", json.dumps(BOARDS)))
    assert linked <= set(ids)


def test_runbooks_that_are_named_are_there() -> None:
    named = set(re.findall(r"\b((?:Model|Outrider)[A-Z]\w+)", json.dumps(BOARDS)))
    assert named
    assert {f"{name}.md" for name in named} <= {file.name for file in RUNBOOKS.iterdir()}
    links = [
        link for board in BOARDS.values() for p in panels(board) for link in p.get("links", ())
    ]
    assert {link["url"] for link in links} == {f"${{runbooks}}/{name}.md" for name in named}


def test_alarms_lead_to_boards_and_variables_that_there_are() -> None:
    known = {
        board["uid"]: {one["name"] for one in board["templating"]["list"]}
        for board in BOARDS.values()
    }
    rules = [file.read_text() for file in (ROOT / "examples" / "prometheus").glob("*.rules.yml")]
    links = re.findall(r"/d/([\w-]+)(\S*)", "".join(rules))
    assert links
    for uid, rest in links:
        assert set(re.findall(r"var-(\w+)=", rest)) <= known[uid]


def test_provisioning_names_the_sources_that_it_links() -> None:
    folder = FOLDER.parent / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "outrider.yaml").read_text())["datasources"]
    kinds = {source["uid"]: source["type"] for source in sources}
    assert set(kinds.values()) == {"prometheus", "loki", "tempo"}
    by_kind = {source["type"]: source["jsonData"] for source in sources}
    [exemplars] = by_kind["prometheus"]["exemplarTraceIdDestinations"]
    assert (exemplars["name"], kinds[exemplars["datasourceUid"]]) == ("trace_id", "tempo")
    [field] = by_kind["loki"]["derivedFields"]
    assert (field["matcherType"], field["matcherRegex"]) == ("label", "trace_id")
    assert (field["url"], kinds[field["datasourceUid"]]) == ("$${__value.raw}", "tempo")
    assert kinds[by_kind["tempo"]["tracesToLogsV2"]["datasourceUid"]] == "loki"
    [provider] = yaml.safe_load((folder / "dashboards" / "outrider.yaml").read_text())["providers"]
    assert provider["type"] == "file"
