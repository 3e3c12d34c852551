"""Conditions of the sidecar itself: sinks, what is not looked at, restarts.

Rule: the meaning is that of examples/prometheus/sidecar.rules.yml.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.alerts import trend
from agent.alerts.trend import Trends
from agent.alerts.view import So, View

MINUTE = 60.0
OLDEST = 5 * MINUTE
LOST_SHARE = 0.01
LEAST_LOST = 10
HARM = (
    "Predictions are not harmed; logs and spans of this time are late, and lost once the queue is "
    "full."
)
RESTARTS, RESTART_SECONDS = 3, 30 * MINUTE


def sink_failing(view: View, trends: Trends) -> Iterator[So]:
    """Logs or spans do not arrive where they are sent."""
    for sink in view.sinks:
        why = f": {sink.away}" if sink.away else ""
        if sink.oldest > OLDEST:
            yield So(
                f"Sink {sink.name} takes nothing{why}",
                f"Its oldest record has waited for {sink.oldest / MINUTE:.0f} minutes. {HARM}",
                (("sink", sink.name), ("what", "waiting")),
                hold=MINUTE,
            )
        lost, settled = trends.lost.rise((sink.name,), trend.LOST) or (0.0, 0.0)
        if lost > LOST_SHARE * settled:
            yield So(
                f"{lost / settled:.1%} of what sink {sink.name} gets is lost{why}",
                f"{lost:,.0f} records were refused or dropped in the last 10 minutes. {HARM}",
                (("sink", sink.name), ("what", "lost")),
                hold=5 * MINUTE,
            )


def records_shed(view: View, trends: Trends) -> Iterator[So]:
    """More than a little of the traffic is not looked at."""
    if view.shed:
        yield So(
            f"Overload has put aside {view.shed}, and what stands before it",
            "Requests are served and counted exactly all the same. Raise the CPU limit, or lower "
            "capture.sample_ratio.",
            (("what", "level"),),
            hold=10 * MINUTE,
        )
    lost = view.window(trend.RECORDS).dropped
    rise = trends.observed.rise(("observed",), trend.RECORDS)
    made = max(rise[0] if rise is not None else 0.0, float(lost))
    if lost >= LEAST_LOST and lost > LOST_SHARE * made:
        yield So(
            f"{lost:,} records of requests were lost before they were looked at",
            f"That is {lost / made:.1%} of the last 15 minutes. Requests are counted exactly all "
            "the same; drift, findings, logs and spans rest on fewer.",
            (("what", "records"),),
            hold=MINUTE,
        )
    for one in view.unseen:
        if one.share > LOST_SHARE:
            whose = (("model", one.model), ("version", one.version))
            yield So(
                f"{one.share:.1%} of the rows of {one.model} {one.version}".rstrip()
                + " are in no verdict",
                f"Mostly: {one.why}. `outrider decode` says of a payload what it becomes and why.",
                (("what", "rows"), *((name, value) for name, value in whose if value)),
                hold=30 * MINUTE,
            )


def restarting(view: View, _: Trends) -> Iterator[So]:
    """The sidecar's processes end and are started again and again."""
    last = view.window(RESTART_SECONDS)
    if last.worker_restarts + last.observer_restarts >= RESTARTS:
        yield So(
            f"Workers were started again {last.worker_restarts} times in half an hour, the "
            f"observer {last.observer_restarts} times",
            "The log has a line for each end, with its exit code or signal. Signal 9: the memory "
            "limit is too low; hung: the CPU limit is.",
        )
