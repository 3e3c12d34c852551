"""Expressions that stand in more than one panel."""

from __future__ import annotations

PODS = 'job=~"$job",instance=~"$instance"'
LEAST = "1e-4"
"""Share of an empty bin in an index: one row in 10,000, as in the rules of examples/prometheus."""


def rate(counter: str, of: str, by: str = "") -> str:
    """Of all such counters together, or by labels; a second."""
    return f"{_sum(by)} (rate({counter}{{{of}}}[$__rate_interval]))"


def quantile(of: float, histogram: str, where: str, by: str = "") -> str:
    """Of a Prometheus histogram, without its ending."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({of:g}, {rate(f'{histogram}_bucket', where, labels)})"


def quantiles(histogram: str, where: str, *of: float) -> dict[str, str]:
    """Several, by their names: p50."""
    return {f"p{100 * q:g}": quantile(q, histogram, where) for q in of}


def counts(histogram: str, where: str) -> str:
    """What fell into each bucket, for a heat map."""
    return f"sum by (le) (increase({histogram}_bucket{{{where}}}[$__rate_interval]))"


def ratio(part: str, whole: str) -> str:
    """0 where there is nothing of the part."""
    return f"({part} or vector(0)) / {whole}"


def psi(by: str, of: str, window: str) -> str:
    """Population stability index of summed bin counters against the reference, by labels.

    Only counts of the same reference add up: `by` has to name it.
    """
    rows = f"increase(outrider_column_bin_total{{{of}}}[{window}])"
    now = f"sum by ({by}, bin) ({rows}) / ignoring (bin) group_left () (sum by ({by}) ({rows}) > 0)"
    now = f"clamp_min({now}, {LEAST})"
    then = f"max by ({by}, bin) (outrider_reference_bin_ratio{{{of}}})"
    then = f"clamp_min({then}, {LEAST})"
    return f"sum by ({by}) (({now} - {then}) * ln({now} / {then}))"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
