"""The panels that dashboards are made of, each kind once.

Rule: every panel says what it shows and what to do (`about`), names its unit, and asks data
sources by the dashboard's variables. Only panel types whose schema the SDK knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import (
    common,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as made
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = made.DataSourceRef(type_val="prometheus", uid="${datasource}")
LOKI = made.DataSourceRef(type_val="loki", uid="${loki}")

GREEN, ORANGE, RED, PURPLE = "green", "orange", "red", "purple"

Steps = Mapping[float, str]
"""From which value on which color; below the first one it is green."""


def timeseries_panel(
    title: str,
    about: str,
    queries: Mapping[str, str],
    unit: str,
    *,
    width: int = 8,
    exemplars: bool = False,
    stacked: bool = False,
    least: float | None = 0,
    most: float | None = None,
    steps: Steps | None = None,
) -> timeseries.Panel:
    """Lines over time. `queries` are expressions by their legend."""
    legend = (
        common.VizLegendOptions()
        .display_mode(options.LegendDisplayMode.TABLE)
        .placement(options.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = (
        common.VizTooltipOptions()
        .mode(options.TooltipDisplayMode.MULTI)
        .sort(options.SortOrder.DESCENDING)
    )
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .height(8)
        .span(width)
        .unit(unit)
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .show_points(options.VisibilityMode.NEVER)
        .legend(legend)
        .tooltip(tooltip)
    )
    for number, (name, expr) in enumerate(queries.items()):
        panel.with_target(_range(number, expr, name).exemplar(exemplars))
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    if steps is not None:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.DASHED)
        panel.thresholds(thresholds(steps)).thresholds_style(style)
    return panel


def stat_panel(
    title: str,
    about: str,
    expr: str,
    unit: str,
    *,
    width: int = 4,
    steps: Steps | None = None,
    decimals: int | None = None,
    low: str = GREEN,
    is_instant: bool = False,
    height: int = 4,
) -> stat.Panel:
    """One number now, with its way there behind it. `low` is the color below the first step.
    `is_instant`: of the whole range, so that there is no way there.
    """
    target = prometheus.Dataquery().expr(expr).ref_id(ref(0))
    target = target.instant() if is_instant else target.range()
    panel = (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .height(height)
        .span(width)
        .unit(unit)
        .with_target(target)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .graph_mode(options.BigValueGraphMode.AREA)
        .color_mode(options.BigValueColorMode.VALUE)
        .thresholds(thresholds(steps or {}, low))
    )
    if decimals is not None:
        panel.decimals(decimals)
    return panel


def histogram_panel(
    title: str,
    about: str,
    expr: str,
    unit: str,
    *,
    width: int = 12,
    exemplars: bool = False,
) -> heatmap.Panel:
    """A Prometheus histogram over time. `expr` is a sum of increases by `le`."""
    target = _range(0, expr, "{{le}}").format(PromQueryFormat.HEATMAP).exemplar(exemplars)
    cells = heatmap.RowsHeatmapOptions().layout(options.HeatmapCellLayout.LE).value("Count")
    return _heatmap(title, about, unit, width).with_target(target).rows_frame(cells)


def bins_panel(title: str, about: str, expr: str, *, width: int = 12) -> heatmap.Panel:
    """Shares of bins over time, a row a bin. `expr` is one series a bin, by its index."""
    cells = heatmap.RowsHeatmapOptions().layout(options.HeatmapCellLayout.UNKNOWN).value("Share")
    return (
        _heatmap(title, about, "short", width)
        .with_target(_range(0, expr, "{{bin}}"))
        .rows_frame(cells)
        .cell_values(heatmap.CellValues().unit("percentunit").decimals(1))
    )


def _heatmap(title: str, about: str, unit: str, width: int) -> heatmap.Panel:
    color = (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .exponent(0.5)
        .steps(64)
        .fill("dark-blue")
    )
    axis = heatmap.YAxisConfig().unit(unit).axis_placement(options.AxisPlacement.LEFT)
    return (
        heatmap.Panel()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .height(9)
        .span(width)
        .calculate(False)
        .color(color)
        .y_axis(axis)
        .cell_gap(1)
        .show_value(options.VisibilityMode.NEVER)
        .show_legend()
        .show_tooltip()
        .show_y_histogram()
        .exemplars_color("rgba(255,0,255,0.7)")
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .scale_distribution(common.ScaleDistributionConfig().type(options.ScaleDistribution.LINEAR))
    )


def logs_panel(
    title: str, about: str, expr: str, *, width: int = 24, height: int = 10
) -> logs.Panel:
    """Lines from Loki, newest first; a line opens to its fields and its trace."""
    return (
        logs.Panel()
        .title(title)
        .description(about)
        .datasource(LOKI)
        .height(height)
        .span(width)
        .with_target(loki.Dataquery().expr(expr).query_type("range").ref_id("A").max_lines(500))
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(options.LogsSortOrder.DESCENDING)
        .dedup_strategy(options.LogsDedupStrategy.NONE)
    )


def log_lines_panel(
    title: str, about: str, queries: Mapping[str, str], unit: str, *, width: int = 12
) -> timeseries.Panel:
    """Counts of lines over time, by Loki."""
    panel = timeseries_panel(title, about, {}, unit, width=width, stacked=True)
    panel.datasource(LOKI)
    for number, (name, expr) in enumerate(queries.items()):
        panel.with_target(
            loki.Dataquery().expr(expr).query_type("range").legend_format(name).ref_id(ref(number))
        )
    return panel


def _range(number: int, expr: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).range().legend_format(legend).ref_id(ref(number))


def ref(number: int) -> str:
    """Name of a query in its panel."""
    return chr(ord("A") + number)


def thresholds(steps: Steps, low: str = GREEN) -> build.ThresholdsConfig:
    """`low` is the color below the first of them."""
    found = [made.Threshold(value=None, color=low)]
    found += [made.Threshold(value=value, color=color) for value, color in steps.items()]
    return build.ThresholdsConfig().mode(made.ThresholdsMode.ABSOLUTE).steps(found)
