"""Tables: labels of series, and values of several queries beside them.

Rule: all queries of a table are grouped by the same labels, so that Grafana's `merge` makes one row
of what belongs together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import common, prometheus, table
from grafana_foundation_sdk.models import dashboard as made
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from examples.grafana.source.parts import PROMETHEUS, Steps, ref, thresholds


class Field(NamedTuple):
    """A table's column: what it is called and how it looks."""

    title: str
    expr: str
    unit: str = "short"
    steps: Steps | None = None
    words: Mapping[str, str] | None = None
    width: int | None = None


def table_panel(
    title: str,
    about: str,
    labels: Mapping[str, str],
    fields: Sequence[Field],
    *,
    width: int = 24,
    height: int = 9,
    links: Mapping[str, tuple[str, str]] | None = None,
) -> table.Panel:
    """Labels, then values of this moment, greatest first by the first of them.

    `labels` are their titles by name, and all that the expressions are grouped by. `links` are a
    title and an address by the title of a label.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .height(height)
        .span(width)
        .no_value("–")
        .sort_by([common.TableSortByFieldState().display_name(fields[0].title).desc(True)])
    )
    names = dict(labels)
    for number, field in enumerate(fields):
        name = ref(number)
        names[f"Value #{name}"] = field.title
        panel.with_target(
            prometheus.Dataquery()
            .expr(field.expr)
            .instant()
            .format(PromQueryFormat.TABLE)
            .ref_id(name)
        )
        panel.override_by_name(field.title, _looks(field))
    if len(fields) == 1:  # of one query alone it is without its letter
        names["Value"] = fields[0].title
    order = {name: place for place, name in enumerate(names)}
    panel.with_transformation(made.DataTransformerConfig(id_val="merge", options={}))
    organize = {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}
    panel.with_transformation(made.DataTransformerConfig(id_val="organize", options=organize))
    for label, (text, address) in (links or {}).items():
        link = [{"title": text, "url": address}]
        panel.override_by_name(label, [made.DynamicConfigValue(id_val="links", value=link)])
    return panel


def _looks(field: Field) -> list[made.DynamicConfigValue]:
    found: dict[str, Any] = {"unit": field.unit}
    if field.steps is not None:
        found["thresholds"] = thresholds(field.steps).build()
        found["color"] = {"mode": "thresholds"}
        found["custom.cellOptions"] = {"type": "color-text"}
    if field.words is not None:
        found["mappings"] = [_words(field.words)]
    if field.width is not None:
        found["custom.width"] = field.width
    return [made.DynamicConfigValue(id_val=name, value=value) for name, value in found.items()]


def _words(words: Mapping[str, str]) -> made.ValueMap:
    results = {
        value: made.ValueMappingResult(text=text, index=place)
        for place, (value, text) in enumerate(words.items())
    }
    return made.ValueMap(options=results)
