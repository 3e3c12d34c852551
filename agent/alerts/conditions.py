"""The table of all conditions: name, severity, the file of its runbook, how it is judged.

Rule: names, severities and meanings are those of the alerts for Prometheus (examples/prometheus),
and each has a page in docs/runbooks. A family of conditions is a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from agent.alerts import model, service, sidecar
from agent.alerts.state import Found
from agent.alerts.trend import Trends
from agent.alerts.view import So, View

Judge = Callable[[View, Trends], Iterator[So]]


class Condition(NamedTuple):
    """One row of the table."""

    name: str
    severity: str
    judge: Judge

    @property
    def runbook(self) -> str:
        """Its file in docs/runbooks."""
        return f"{self.name}.md"


TABLE = (
    Condition("ModelLatencyHigh", "warning", service.latency_high),
    Condition("ModelErrorBudgetBurnFast", "critical", service.burn_fast),
    Condition("ModelErrorBudgetBurnSlow", "warning", service.burn_slow),
    Condition("ModelTrafficGone", "critical", service.traffic_gone),
    Condition("ModelInputDrift", "warning", model.input_drift),
    Condition("ModelPredictionDrift", "critical", model.prediction_drift),
    Condition("ModelMissingValues", "warning", model.missing_values),
    Condition("ModelConfidenceLow", "warning", model.confidence_low),
    Condition("ModelPredictionsConstant", "critical", model.predictions_constant),
    Condition("ModelSilentFailure", "critical", model.silent_failure),
    Condition("OutriderSinkFailing", "warning", sidecar.sink_failing),
    Condition("OutriderRecordsShed", "warning", sidecar.records_shed),
    Condition("OutriderRestarting", "warning", sidecar.restarting),
)


def judged(view: View, trends: Trends, off: Collection[str] = ()) -> Iterator[Found]:
    """All that is so at this moment, less the conditions that are `off`."""
    trends.see(view)
    for condition in TABLE:
        if condition.name not in off:
            for so in condition.judge(view, trends):
                told = so.labels, so.summary, so.description, so.hold
                yield Found(condition.name, condition.severity, *told)
