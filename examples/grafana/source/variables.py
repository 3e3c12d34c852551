"""The choices at the top of a dashboard.

Rule: "All" is `.*`, which is also what lacks the label: a model that says no version, a request
that names no model. Only jobs are listed instead, for the requests' metric bears OpenTelemetry's
name, and other services have it too.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as made

from examples.grafana.source.parts import LOKI, PROMETHEUS

RUNBOOKS = "https://example.com/outrider/docs/runbooks"
EVERYTHING = made.VariableOption(text="All", value="$__all")


def source(name: str, label: str, kind: str) -> build.DatasourceVariable:
    """Which of Grafana's data sources of a kind."""
    return build.DatasourceVariable(name).label(label).type(kind)


def several(name: str, label: str, about: str, query: str) -> build.QueryVariable:
    """Any number of a label's values, by Prometheus."""
    return (
        _query(name, label, about, query)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(EVERYTHING)
    )


def one(name: str, label: str, about: str, query: str) -> build.QueryVariable:
    """Exactly one of a label's values."""
    return _query(name, label, about, query).multi(False).include_all(False)


def _query(name: str, label: str, about: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .description(about)
        .query(query)
        .datasource(PROMETHEUS)
        .refresh(made.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(made.VariableSort.ALPHABETICAL_ASC)
    )


def choice(
    name: str, label: str, about: str, values: list[str], chosen: str
) -> build.CustomVariable:
    """One of a list of ours."""
    return (
        build.CustomVariable(name)
        .label(label)
        .description(about)
        .values(",".join(values))
        .current(made.VariableOption(text=chosen, value=chosen))
        .options([made.VariableOption(selected=v == chosen, text=v, value=v) for v in values])
    )


def common() -> list[build.DatasourceVariable | build.QueryVariable | build.TextBoxVariable]:
    """Of every dashboard: where metrics and logs are, and which sidecars."""
    job = _query(
        "job",
        "Job",
        "The scrape jobs of sidecars.",
        "label_values(outrider_build_info, job)",
    )
    return [
        source("datasource", "Metrics", "prometheus"),
        source("loki", "Logs", "loki"),
        job.multi(True).include_all(True).current(EVERYTHING),
        several(
            "instance",
            "Pod",
            "Sidecars, by the address that Prometheus scrapes.",
            'label_values(outrider_build_info{job=~"$job"}, instance)',
        ),
    ]


def service() -> build.QueryVariable:
    """Whose logs."""
    return (
        build.QueryVariable("service")
        .label("Service")
        .description("service_name of the log records: OTEL_SERVICE_NAME of the sidecars.")
        .query("label_values(service_name)")
        .datasource(LOKI)
        .refresh(made.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(made.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(EVERYTHING)
    )


def window() -> build.CustomVariable:
    """Over how long an index of summed counts is."""
    return choice(
        "window",
        "Window",
        "Over how long counts are summed for an index; of fewer than a thousand rows it is great "
        "without any drift.",
        ["5m", "15m", "1h", "6h", "1d"],
        "1h",
    )


def runbooks() -> build.TextBoxVariable:
    """Where the runbooks can be read; hidden, each installation sets its own."""
    return (
        build.TextBoxVariable("runbooks")
        .label("Runbooks")
        .description("Where your copy of docs/runbooks can be read.")
        .default_value(RUNBOOKS)
        .current(made.VariableOption(text=RUNBOOKS, value=RUNBOOKS))
        .hide(made.VariableHide.HIDE_VARIABLE)
    )
