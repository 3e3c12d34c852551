"""One column, bin by bin: now and in its reference."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import ORANGE, RED, bins_panel, timeseries_panel
from examples.grafana.source.promql import PODS, psi

DETAIL = f'{PODS},model="$model",column="$detail",side="$detail_side",reference="$reference"'
"""Versions that are judged by the same reference add up."""


def bins() -> list[Builder[Panel]]:
    """Heat maps beside each other, and what differs."""
    only = f'{DETAIL},bin=~"[0-9]+"'
    rows = f"increase(outrider_column_bin_total{{{DETAIL}}}[$__rate_interval])"
    numbered = f"increase(outrider_column_bin_total{{{only}}}[$__rate_interval])"
    return [
        bins_panel(
            "Bins now",
            "Share of the rows in each bin, by the bin's index: 0 is below the reference's least "
            "value, or the first category. /api/v1/drift says what each bin is. Compare with the "
            "reference beside.",
            f"sum by (bin) ({numbered}) / on () group_left () (sum({rows}) > 0)",
        ),
        bins_panel(
            "Bins of the reference",
            "The same bins of the reference: what the left should look like.",
            f"max by (bin) (outrider_reference_bin_ratio{{{only}}})",
        ),
        timeseries_panel(
            "Bins now, less the reference",
            "How much more (above 0) or less (below 0) of the rows fall in each bin. What went "
            "out of one bin is in another, or missing.",
            {
                "bin {{bin}}": f"sum by (bin) ({rows}) / on () group_left () (sum({rows}) > 0)"
                f" - max by (bin) (outrider_reference_bin_ratio{{{DETAIL}}})"
            },
            "percentunit",
            width=12,
            least=None,
        ),
        timeseries_panel(
            "PSI",
            "Population stability index over the window chosen above. By the old rule "
            "0.25 is drift, but of few rows it is great without any: trust the verdict above.",
            {"{{side}} {{column}}": psi("model, side, column, reference", DETAIL, "$window")},
            "short",
            width=12,
            steps={0.1: ORANGE, 0.25: RED},
        ),
    ]
