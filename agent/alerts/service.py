"""Conditions of any service: errors, latency, traffic. All of what passes this sidecar.

Rule: the meaning is that of examples/prometheus/service.rules.yml, by the sidecar's own day of
history. Burn rates are the SRE Workbook's "multiwindow, multi-burn-rate alerts": what is told
threatens the budget and is still going on.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.alerts.trend import Trends
from agent.alerts.view import So, Traffic, View

LEAST_FAILURES = 5
"""Fewer ring nobody, whatever share of the traffic they are."""
MINUTE, HOUR = 60.0, 3600.0
TAILS = ((500, 0.99, "99 %"), (50, 0.9, "90 %"), (10, 0.5, "half"))
"""Of so many requests at least, which percentile is judged: always five or more are slower."""
GONE, BLOCK, HOUR_MINUTES = 15, 5, 60
"""Minutes: of silence; in each of which there were requests before; for so long."""


def latency_high(view: View, _: Trends) -> Iterator[So]:
    """The tail of the last five minutes is above the objective, for five minutes."""
    last = view.window(5 * MINUTE)
    for least, share, words in TAILS:
        took = last.durations.percentile(share) if last.requests >= least else None
        if took is not None and took > view.latency:
            yield So(
                f"Requests are slow: {_time(took)}",
                f"Of {last.requests:,} requests in the last 5 minutes {words} took at most "
                f"{_time(took)}, where the objective is {_time(view.latency)}.",
                hold=5 * MINUTE,
            )
            return


def burn_fast(view: View, _: Trends) -> Iterator[So]:
    """The budget of 30 days would be gone in two."""
    hour, now = view.window(HOUR), view.window(5 * MINUTE)
    if _burns(view, 14.4, hour, now):
        yield So(
            f"{_share(hour)} of the requests fail",
            f"In the last hour {_failed(hour)}, in the last 5 minutes {_share(now)}. "
            f"{_allowed(view)}: at this rate the budget of 30 days is gone in two.",
        )


def burn_slow(view: View, _: Trends) -> Iterator[So]:
    """The budget of 30 days would be gone in five."""
    hours, now = view.window(6 * HOUR), view.window(30 * MINUTE)
    if _burns(view, 6.0, hours, now):
        yield So(
            f"{_share(hours)} of the requests of the last 6 hours failed",
            f"In the last 6 hours {_failed(hours)}, in the last 30 minutes {_share(now)}. "
            f"{_allowed(view)}: at this rate the budget of 30 days is gone in five.",
            hold=5 * MINUTE,
        )


def traffic_gone(view: View, _: Trends) -> Iterator[So]:
    """None for 15 minutes, after an hour with some in every 5, and yesterday some at this time.

    It lasts until there are some, or until that hour is a day ago.
    """
    minutes = view.minutes()
    counts = [count or 0 for count in minutes]
    last = next((n for n in reversed(range(len(counts))) if counts[n]), 0)
    if len(counts) - 1 - last < GONE or last + 1 < HOUR_MINUTES:
        return
    if None in minutes[-1 - GONE : -1]:
        return  # the sidecar itself was away
    hour = counts[last + 1 - HOUR_MINUTES : last + 1]
    if not all(any(hour[n : n + BLOCK]) for n in range(0, HOUR_MINUTES, BLOCK)):
        return
    yesterday = minutes[:GONE]
    if None not in yesterday and not any(yesterday):
        return
    yield So(
        f"No requests for {len(counts) - 1 - last} minutes",
        "Before that there were requests in every 5 minutes of an hour. Nothing fails if nobody is "
        "asked: look at the way to the sidecar (service, ingress, DNS, certificates), then at its "
        "clients.",
        hold=MINUTE,
    )


def _burns(view: View, rate: float, long: Traffic, short: Traffic) -> bool:
    most = rate * (1 - view.availability)
    if long.server_errors < LEAST_FAILURES or not short.requests:
        return False
    return long.server_errors > most * long.requests and short.server_errors > most * short.requests


def _failed(traffic: Traffic) -> str:
    return f"{traffic.server_errors:,} of {traffic.requests:,} requests failed"


def _allowed(view: View) -> str:
    return f"The objective allows {_percent(1 - view.availability)}"


def _share(traffic: Traffic) -> str:
    return _percent(traffic.server_errors / max(1, traffic.requests))


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"
