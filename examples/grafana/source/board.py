"""What all dashboards have in common: rows, numbers of panels, links and annotations.

Rule: a dashboard is rows of panels, a panel's width is its own, and Grafana's grid has 24 columns;
positions and numbers follow from the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as made

from examples.grafana.source.parts import ORANGE, PROMETHEUS, PURPLE, RED
from examples.grafana.source.promql import PODS

TAG = "outrider"
_RUNBOOK = re.compile(r"\b(?:Model|Outrider)[A-Z]\w+")
ALERTS = 'ALERTS{alertname=~"Model.+|Outrider.+",alertstate="firing"}'


class Row(NamedTuple):
    """Panels under a title; a closed one asks nothing until somebody opens it."""

    title: str
    panels: Sequence[Builder[made.Panel]]
    is_closed: bool = False


class Marks(made.AnnotationQuery):
    """Marks from Prometheus, with those of its fields that the SDK does not know."""

    def __init__(self, name: str, expr: str, color: str, title: str, tags: str) -> None:
        """`title` is a template of labels, `tags` the labels to show, with commas between."""
        super().__init__(name=name, datasource=PROMETHEUS, enable=True, icon_color=color, expr=expr)
        self.shown = {"titleFormat": title, "tagKeys": tags, "step": "60s"}

    def to_json(self) -> dict[str, object]:
        """The SDK's and those."""
        return super().to_json() | self.shown


class _Ready(Builder[Any]):
    """A builder of what is built."""

    def __init__(self, what: Any) -> None:
        self._what = what

    def build(self) -> Any:
        return self._what


def board(
    uid: str,
    title: str,
    about: str,
    variables: Sequence[Builder[made.VariableModel]],
    marks: Sequence[Marks],
    rows: Sequence[Row],
) -> made.Dashboard:
    """One dashboard, whole."""
    found = (
        build.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .time("now-3h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(made.DashboardCursorSync.CROSSHAIR)
        .variables(list(variables))
        .annotations([_Ready(one) for one in marks])
        .links([*_links()])
    )
    for row in rows:
        _add(found, row)
    whole = found.build()
    for number, panel in enumerate(_panels(whole), 1):
        panel.id_val = number
        if isinstance(panel, made.Panel):
            panel.links = _runbooks(panel.description or "")
    return whole


def alerts() -> Marks:
    """Alarms of the rules in examples/prometheus that ring."""
    return Marks("Alerts", ALERTS, ORANGE, "{{alertname}}", "severity,model,version,column")


def restarts() -> Marks:
    """Processes of sidecars that had to be started again."""
    again = f"increase(outrider_process_restarts_total{{{PODS}}}[2m])"
    return Marks(
        "Restarts",
        f"sum by (instance, process) ({again}) > 0",
        RED,
        "{{process}} of {{instance}} was started again",
        "instance,process",
    )


def drift() -> Marks:
    """Columns for as long as they drift."""
    found = f'outrider_drift_detected{{{PODS},model=~"$model"}}'
    return Marks(
        "Drift",
        f"max by (model, version, side, column) ({found}) == 1",
        PURPLE,
        "{{side}} {{column}} of {{model}} {{version}} drifts",
        "model,version,side,column",
    )


def detail(*more: str) -> str:
    """Address of the column that is clicked in a table, on the dashboard of its model.

    `more` are variables that go with it.
    """
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance", *more))
    column = "${__value.text:percentencode}"
    return f"/d/outrider-model?${{__url_time_range}}&{kept}&var-detail={column}"


def _add(to: build.Dashboard, row: Row) -> None:
    head = build.Row(row.title).collapsed(row.is_closed)
    if row.is_closed:
        for panel in row.panels:
            head.with_panel(panel)
    to.with_row(head)
    if not row.is_closed:
        for panel in row.panels:
            to.with_panel(panel)


def _panels(of: made.Dashboard) -> Iterator[made.Panel | made.RowPanel]:
    for panel in of.panels or []:
        yield panel
        if isinstance(panel, made.RowPanel):
            yield from panel.panels


def _runbooks(description: str) -> list[made.DashboardLink] | None:
    """Links to those that a panel's description names."""
    names = dict.fromkeys(_RUNBOOK.findall(description))
    return [
        made.DashboardLink(title=name, url=f"${{runbooks}}/{name}.md", target_blank=True)
        for name in names
    ] or None


def _links() -> Iterator[Builder[made.DashboardLink]]:
    """To the other dashboards, in the same time and of the same model."""
    yield (
        build.DashboardLink("Outrider")
        .type(made.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .keep_time(True)
        .include_vars(True)
        .icon("external link")
        .tooltip("The other dashboards of Outrider, in the same time and with the same choice")
    )
    yield (
        build.DashboardLink("Runbooks")
        .type(made.DashboardLinkType.LINK)
        .url("${runbooks}")
        .target_blank(True)
        .icon("doc")
        .tooltip("What to do about an alarm: docs/runbooks of Outrider")
    )
