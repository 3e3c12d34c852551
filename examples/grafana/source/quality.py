"""What a model's rows and answers are worth: what is missing, unseen, silent, and what it earns."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from examples.grafana.source.parts import ORANGE, RED, timeseries_panel
from examples.grafana.source.promql import PODS, rate
from examples.grafana.source.tables import Field, table_panel

OF_MODEL = f'{PODS},model="$model",version=~"$version"'
COLUMNS = f'{OF_MODEL},column=~"$column"'
INVALID = f'{COLUMNS},bin="invalid"'
EARNED = PODS
"""All models: a business value may belong to a route rather than to the model chosen."""

Panels = list[Builder[Panel]]


def missing() -> Panels:
    """Values that were not there, of the wrong kind, or not read at all."""
    by = "side, column"
    values = rate("outrider_column_values_total", COLUMNS, by)
    reasons = rate("outrider_drift_unseen_rows_total", f'{PODS},model="$model"', "reason")
    return [
        timeseries_panel(
            "Missing values",
            "Share of the rows without this value; the twenty columns that miss most. A jump is "
            "a feed that broke: runbook ModelMissingValues.",
            {
                "{{side}} {{column}}": "topk(20, "
                f"{rate('outrider_column_missing_total', COLUMNS, by)} / ({values} > 0))"
            },
            "percentunit",
            width=6,
        ),
        timeseries_panel(
            "Invalid values",
            "Share of the rows whose value is of the wrong kind: text for a number, NaN. The "
            "twenty worst of the columns whose bins are shown.",
            {
                "{{side}} {{column}}": "topk(20, "
                f"{rate('outrider_column_bin_total', INVALID, by)} / ({values} > 0))"
            },
            "percentunit",
            width=6,
        ),
        timeseries_panel(
            "Rows in no verdict",
            "Share of the recent rows that the model scored and that no verdict knows of. Above "
            "1 % verdicts carry a caveat.",
            {"{{version}}": f"max by (version) (outrider_drift_unseen_rows_ratio{{{OF_MODEL}}})"},
            "percentunit",
            width=6,
            steps={0.01: ORANGE},
        ),
        timeseries_panel(
            "Rows in no verdict, by reason",
            "Rows a second: not decoded, too large, sampled out. /api/v1/status says of each "
            "route what could not be read.",
            {"{{reason}}": reasons},
            "rowsps",
            width=6,
            stacked=True,
        ),
    ]


def findings() -> Panels:
    """Silent failures, and what became of payloads."""
    found = f"outrider_findings_total{{{OF_MODEL}}}"
    return [
        table_panel(
            "Findings",
            "Answers of status 200 that are no predictions. docs/findings.md says what each "
            "means and what to do; /api/v1/status names an example request.",
            {"finding": "Finding", "version": "Version"},
            [
                Field(
                    "Requests in this range",
                    f"sum by (finding, version) (increase({found}[$__range]))",
                    steps={1: ORANGE},
                ),
                Field(
                    "Now",
                    f"max by (finding, version) (outrider_finding_active{{{OF_MODEL}}})",
                    steps={1: RED},
                    words={"0": "no", "1": "yes"},
                ),
            ],
            width=8,
            height=8,
        ),
        timeseries_panel(
            "Findings over time",
            "Requests that show one, as a share of those looked at. More than 1 % of error "
            "bodies or NaN: clients get no predictions; runbook ModelSilentFailure.",
            {
                "{{finding}}": f"{rate('outrider_findings_total', OF_MODEL, 'finding')}"
                " / on () group_left () "
                f"({rate('outrider_quality_requests_total', OF_MODEL)} > 0)"
            },
            "percentunit",
            steps={0.01: RED},
        ),
        timeseries_panel(
            "What became of payloads",
            "Sampled requests of all models, by dialect and outcome. All but ok is not judged; "
            "`outrider decode` says why of a recorded one.",
            {"{{dialect}} {{outcome}}": rate("outrider_decode_total", PODS, "dialect, outcome")},
            "reqps",
            stacked=True,
        ),
    ]


def business() -> Panels:
    """Values that the settings name: docs/values.md."""
    value = "outrider_business_value"
    signs = (f'{EARNED},sign="positive"', f'{EARNED},sign="negative"')
    gain, loss = (rate(f"{value}_sum_total", of, "model, name") for of in signs)
    numbers = rate(f"{value}_numbers_total", EARNED, "model, name")
    true, both = (
        rate(f"{value}_total", of, "model, name") for of in (f'{EARNED},result="true"', EARNED)
    )
    return [
        timeseries_panel(
            "True, of those that are true or false",
            "The share of each business value, of all models: approvals, positives. A change "
            "without one of the inputs is the model's.",
            {"{{model}} {{name}}": f"{true} / ({both} > 0)"},
            "percentunit",
            width=6,
            most=1,
        ),
        timeseries_panel(
            "Sums a second",
            "Of the business values that are numbers; those below zero taken off.",
            {"{{model}} {{name}}": f"{gain} - {loss}"},
            "short",
            width=6,
            least=None,
        ),
        timeseries_panel(
            "Mean of the numbers",
            "Of each business value. One that moves without its inputs is the model's.",
            {"{{model}} {{name}}": f"({gain} - {loss}) / ({numbers} > 0)"},
            "short",
            width=6,
            least=None,
        ),
        timeseries_panel(
            "Values that were not there",
            "A second, by reason: absent in the message, or of another type. Look whether the "
            "message's form has changed: docs/values.md.",
            {"{{name}} {{reason}}": rate(f"{value}_missing_total", EARNED, "name, reason")},
            "short",
            width=6,
            stacked=True,
        ),
    ]
