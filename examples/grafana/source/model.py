"""One model: what it predicts, what it is asked, and how far that is from its reference."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, VariableModel

from examples.grafana.source import column, logs, quality, variables
from examples.grafana.source.board import Row, alerts, board, detail, drift
from examples.grafana.source.parts import (
    ORANGE,
    RED,
    histogram_panel,
    stat_panel,
    timeseries_panel,
)
from examples.grafana.source.promql import PODS, counts, quantile, rate
from examples.grafana.source.tables import Field, table_panel

OF_MODEL = f'{PODS},model="$model",version=~"$version"'
COLUMNS = f'{OF_MODEL},column=~"$column"'
OUTPUT = f'{OF_MODEL},output="$output"'
BY = "model, version, side, column"
"""What names a column."""
JUDGES = 'method!="psi"'
"""The method that decides, but where the settings say `mode: psi`."""
OLD_RULE = 'method="psi"'

Panels = list[Builder[Panel]]


def made() -> Dashboard:
    """The dashboard."""
    return board(
        "outrider-model",
        "Outrider / Model",
        "One model: its predictions and its inputs now, beside the reference that it was "
        "released with; what drifts, since when, and what its answers are worth.",
        [*variables.common(), *_variables(), variables.service(), variables.runbooks()],
        [alerts(), drift()],
        [
            Row("Now", _now()),
            Row("Predictions", _predictions()),
            Row("Drift", _drift()),
            Row("One column: $detail", column.bins()),
            Row("Missing values and what was not seen", quality.missing()),
            Row("Quality of answers", quality.findings()),
            Row("Business values", quality.business(), is_closed=True),
            Row("Log", logs.drift()),
        ],
    )


def _variables() -> list[Builder[VariableModel]]:
    of_column = f'{PODS},model="$model",version=~"$version"'
    values = "outrider_column_values_total"

    def its(label: str) -> str:
        bins = f'outrider_column_bin_total{{{of_column},column="$detail"}}'
        return f"label_values({bins}, {label})"

    return [
        variables.one(
            "model",
            "Model",
            "As the payload or the path names it.",
            f"label_values({values}{{{PODS}}}, model)",
        ),
        variables.several(
            "version",
            "Version",
            "As the answers or the path name it; All is those without one too.",
            f'label_values({values}{{{PODS},model="$model"}}, version)',
        ),
        variables.several(
            "column",
            "Columns",
            "Inputs and outputs, for tables and lines.",
            f"label_values({values}{{{of_column}}}, column)",
        ),
        variables.one(
            "output",
            "Output",
            "Whose distribution is shown; each has bins of its own.",
            f"label_values(outrider_prediction_value_count{{{of_column}}}, output)",
        ),
        variables.one(
            "detail",
            "One column",
            "Whose bins are shown; only of those that drift most (metrics.bin_columns).",
            f"label_values(outrider_column_bin_total{{{of_column}}}, column)",
        ),
        variables.one("detail_side", "Its side", "Input or output.", its("side")),
        variables.one(
            "reference",
            "Its reference",
            "Hash of the reference; only bins of the same one can be compared.",
            its("reference"),
        ),
        variables.window(),
    ]


def _now() -> Panels:
    muted = f"outrider_drift_acknowledged{{{OF_MODEL}}} == 1"
    drifting = f"outrider_drift_detected{{{OF_MODEL}}} == 1 unless {muted}"
    return [
        stat_panel(
            "Columns that drift",
            "Columns whose latest verdict is drift and that nobody muted. The table below says "
            "which: runbooks ModelInputDrift, ModelPredictionDrift.",
            f"count(max by ({BY}) ({drifting})) or vector(0)",
            "short",
            steps={1: RED},
        ),
        stat_panel(
            "Columns judged",
            "Columns with enough rows for a verdict. 0: a reference is being learned, or there is "
            "no traffic.",
            f"count(max by ({BY}) (outrider_drift_detected{{{OF_MODEL}}})) or vector(0)",
            "short",
        ),
        stat_panel(
            "Rows",
            "Rows that the model scored, a second: those of its busiest column.",
            f"max(sum by (side, column) (rate(outrider_column_values_total{{{OF_MODEL}}}"
            "[$__rate_interval])))",
            "rowsps",
        ),
        stat_panel(
            "Values missing",
            "Of all values of all columns, the share that was not there.",
            f"{rate('outrider_column_missing_total', OF_MODEL)}"
            f" / {rate('outrider_column_values_total', OF_MODEL)}",
            "percentunit",
            decimals=1,
        ),
        stat_panel(
            "Confidence, median",
            "The greatest probability of a row. If it falls, the model meets what it was not "
            "trained on: runbook ModelConfidenceLow.",
            quantile(0.5, "outrider_prediction_confidence", OF_MODEL),
            "percentunit",
        ),
        stat_panel(
            "Silent failures",
            "Findings that are so now: answers with status 200 that are no predictions. Runbook "
            "ModelSilentFailure.",
            f"sum(max by (model, version, finding) (outrider_finding_active{{{OF_MODEL}}}))",
            "short",
            steps={1: RED},
        ),
    ]


def _predictions() -> Panels:
    value, sure = "outrider_prediction_value", "outrider_prediction_confidence"
    return [
        histogram_panel(
            "Predictions: $output, version $version",
            "Predictions by value, in the bins of the reference; one panel a version, for each "
            "may have a reference of its own. A band that moves or splits is a change of what is "
            "asked or of the model.",
            counts(value, OUTPUT),
            "short",
            width=24,  # a panel that is repeated takes a line of its own
        ).repeat("version"),
        timeseries_panel(
            "Predictions, percentiles",
            "Of each output and version. A line that jumps at a release is the release.",
            {
                f"p{100 * q:g} {{{{output}}}} {{{{version}}}}": quantile(
                    q, value, OUTPUT, "output, version"
                )
                for q in (0.05, 0.5, 0.95)
            },
            "short",
            width=12,
            least=None,
        ),
        timeseries_panel(
            "Mean prediction",
            "Of each output and version; two versions that differ on the same traffic are worth "
            "a look.",
            {
                "{{output}} {{version}}": f"{rate(f'{value}_sum', OUTPUT, 'output, version')}"
                f" / {rate(f'{value}_count', OUTPUT, 'output, version')}"
            },
            "short",
            width=12,
            least=None,
        ),
        histogram_panel(
            "Confidence",
            "Rows by the greatest probability of their answer. A band that sinks: the model "
            "meets rows that it does not know.",
            counts(sure, OF_MODEL),
            "percentunit",
        ),
        timeseries_panel(
            "Confidence, margin and entropy",
            "Medians. Margin: the greatest probability less the second. Entropy: 0 is sure, 1 is "
            "that all answers are equal.",
            {
                name: quantile(0.5, f"outrider_prediction_{name}", OF_MODEL)
                for name in ("confidence", "margin", "entropy")
            },
            "percentunit",
            width=12,
        ),
    ]


def beyond(of: str) -> str:
    """Score by threshold of the method that decides: above 1 it is drift."""

    def of_method(method: str) -> str:
        score, threshold = (
            f"outrider_drift_{name}{{{of},{method}}}" for name in ("score", "threshold")
        )
        return f"max by ({BY}) ({score} / {threshold})"

    return f"{of_method(JUDGES)} or {of_method(OLD_RULE)}"


def _drift() -> Panels:
    since = f"outrider_drift_since_timestamp_seconds{{{COLUMNS}}}"
    judged = f"outrider_drift_last_evaluation_timestamp_seconds{{{COLUMNS}}}"
    missing = f"sum by ({BY}) (increase(outrider_column_missing_total{{{COLUMNS}}}[$__range]))"
    rows = f"sum by ({BY}) (increase(outrider_column_values_total{{{COLUMNS}}}[$__range]))"
    labels = {"column": "Column", "side": "Side", "version": "Version", "model": "Model"}
    fields = [
        Field("Score / threshold", beyond(COLUMNS), steps={0.7: ORANGE, 1: RED}),
        Field(
            "State",
            f"max by ({BY}) (outrider_drift_detected{{{COLUMNS}}})",
            steps={1: RED},
            words={"0": "stable", "1": "drift"},
        ),
        Field("Since", f"min by ({BY}) ({since}) * 1000", "dateTimeAsIso"),
        Field(
            "Effect",
            f"max by ({BY}) (outrider_drift_effect{{{COLUMNS}}})",
            steps={0.2: ORANGE, 0.5: RED},
        ),
        Field("Judged ago", f"time() - max by ({BY}) ({judged})", "s"),
        Field("Rows judged", f"max by ({BY}) (outrider_drift_rows{{{COLUMNS}}})"),
        Field("Missing", f"{missing} / ({rows} > 0)", "percentunit"),
    ]
    address = detail("model", "version")
    return [
        table_panel(
            "Drift report",
            "Columns by how far they are beyond their threshold; above 1 it is drift. Effect: the "
            "size of the change in standard deviations of the reference; below 0.2 it is small. "
            "Since: when the drift began. Click a column to see its bins below; runbook "
            "ModelInputDrift says what to do.",
            labels,
            fields,
            height=10,
            links={"Column": ("Its bins", address)},
        ),
        timeseries_panel(
            "Score / threshold",
            "Above 1 the column drifts. What rises slowly for days is the world; what jumps is a "
            "release or a broken feed.",
            {"{{side}} {{column}} {{version}}": f"topk(20, {beyond(COLUMNS)})"},
            "short",
            width=12,
            steps={1: RED},
        ),
        timeseries_panel(
            "Effect",
            "Size of the change, in standard deviations of the reference.",
            {
                "{{side}} {{column}} {{version}}": f"topk(20, max by ({BY}) "
                f"(outrider_drift_effect{{{COLUMNS}}}))"
            },
            "short",
            width=12,
        ),
    ]
