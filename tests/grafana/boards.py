"""The dashboards that are checked in, and their queries as Grafana would ask them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.harness import ROOT

FOLDER = ROOT / "examples" / "grafana" / "dashboards"
BOARDS = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
_LABEL = re.compile(r"\{\{(\w+)\}\}")
_VALUES = re.compile(r"label_values\((?:(.*), *)?(\w+)\)")


class Query(NamedTuple):
    """One of a panel, or of an annotation."""

    board: str
    panel: str
    kind: str
    """ "prometheus" or "loki"."""
    expr: str
    is_instant: bool
    has_exemplars: bool
    shown: frozenset[str]
    """Labels that the legend, or the table, shows of its series."""

    def __str__(self) -> str:
        return f"{self.board}: {self.panel}"


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All, rows and what is in rows that are closed too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", ())


def queries(kind: str) -> list[Query]:
    """Of all panels and annotations that ask a data source of this kind."""
    found = []
    for name, board in BOARDS.items():
        for panel in panels(board):
            if panel.get("datasource", {}).get("type") != kind:
                continue
            for target in panel["targets"]:
                how = target.get("instant", False), target.get("exemplar", False)
                shown = frozenset(_LABEL.findall(target.get("legendFormat", ""))) | _renamed(panel)
                found.append(Query(name, panel["title"], kind, target["expr"], *how, shown))
        for marks in board["annotations"]["list"]:
            if marks["datasource"]["type"] == kind:
                labels = frozenset(_LABEL.findall(marks["titleFormat"]))
                found.append(Query(name, marks["name"], kind, marks["expr"], False, False, labels))
    return found


def _renamed(panel: Mapping[str, Any]) -> frozenset[str]:
    """Labels that a table gives titles."""
    options = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    names = (name for of in options for name in of["renameByName"])
    return frozenset(name for name in names if not name.startswith("Value"))


def variables(board: str) -> list[dict[str, Any]]:
    """Those that are asked of Prometheus, in their order."""
    return [
        one
        for one in BOARDS[board]["templating"]["list"]
        if one["type"] == "query" and one["datasource"]["type"] == "prometheus"
    ]


def asked_by(variable: Mapping[str, Any]) -> tuple[str, str]:
    """Selector and label of a variable's label_values."""
    match = _VALUES.fullmatch(variable["query"])
    assert match, f"no label_values: {variable['query']}"
    return match[1] or "", match[2]


def put(expr: str, values: Mapping[str, str]) -> str:
    """With its variables' values in their places; a variable that has none is an error."""
    return _VARIABLE.sub(lambda match: values[match[1] or match[2]], expr)
