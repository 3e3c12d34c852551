"""What fails a build: `--fail-on`, and what a report as a whole comes to.

Rule: pure. What somebody acknowledged fails nothing; what is not known fails only where that is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.report.content import Report, State

CHOICES = ("drift", "missing", "findings", "insufficient", "never")


def state_of(report: Report) -> State:
    """Drift if any column drifts that nobody acknowledged; insufficient if nothing is judged."""
    states = {c.state for c in report.columns() if not c.acknowledged}
    return "drift" if "drift" in states else "stable" if "stable" in states else "insufficient"


def problems(report: Report) -> dict[str, bool]:
    """Of each choice but `never` whether it is so.

    `insufficient`: nothing is known of a model, or of one of its inputs or outputs.
    """
    unknown = [model for model in report.models if model.state == "insufficient"]
    columns = [c for c in report.columns() if not c.derived]
    return {
        "drift": state_of(report) == "drift",
        "missing": any(column.missing_rose for column in columns if not column.acknowledged),
        "findings": any(finding.active for finding in report.findings),
        "insufficient": bool(unknown)
        or not report.models
        or any(column.state == "insufficient" for column in columns),
    }


def failed(report: Report, fail_on: Iterable[str]) -> list[str]:
    """Those asked for that are so: with any, the exit status is 1."""
    found = problems(report)
    return [choice for choice in dict.fromkeys(fail_on) if found.get(choice)]
