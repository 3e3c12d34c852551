"""Conditions of any service: errors, latency, traffic. All of what passes this sidecar.

Rule: the meaning is that of examples/prometheus/service.rules.yml, by the sidecar's own day of
history. Burn rates are the SRE Workbook's "multiwindow, multi-burn-rate alerts": what is told
threatens the budget and is still going on.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator

from agent.alerts.trend import Trends
from agent.alerts.view import So, Traffic, View, Window

LEAST_FAILURES = 5
"""Fewer ring nobody, whatever share of the traffic they are."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
TAILS = ((500, 0.99, "99 %"), (50, 0.9, "90 %"), (10, 0.5, "half"))
"""Of so many requests at least, which percentile is judged: always five or more are slower."""
GONE = 15 * MINUTE
BLOCK = 5 * MINUTE
STEADY = 12
"""Blocks before the silence that all had requests: an hour."""


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
            f"{_share(hours)} of the requests have failed for hours",
            f"In the last 6 hours {_failed(hours)}, in the last 30 minutes {_share(now)}. "
            f"{_allowed(view)}: at this rate the budget of 30 days is gone in five.",
            hold=5 * MINUTE,
        )


def traffic_gone(view: View, _: Trends) -> Iterator[So]:
    """None for 15 minutes, after an hour with some in every 5, and yesterday some at this time.

    It lasts until there are some, or until that hour is a day ago.
    """
    window = view.window
    if window(GONE).requests or not _was_steady(window):
        return
    day = window(DAY)
    if day.seconds >= DAY - MINUTE and day.requests == window(DAY - GONE).requests:
        return  # at this time of the day there was nothing yesterday either
    yield So(
        "No requests for 15 minutes",
        "Before that there were requests in every 5 minutes of an hour. Nothing fails if nobody is "
        "asked: look at the way to the sidecar (service, ingress, DNS, certificates), then at its "
        "clients.",
        hold=MINUTE,
    )


def _was_steady(window: Window) -> bool:
    """Whether the last hour that ended with a request had some in all of its blocks."""
    blocks = range(int((DAY - GONE) / BLOCK))
    # How many of them were silent: what was counted only grows with the time that one looks back.
    silent = bisect_left(blocks, True, key=lambda n: window(GONE + (n + 1) * BLOCK).requests > 0)
    end = GONE + silent * BLOCK
    counts = [window(end + n * BLOCK).requests for n in range(STEADY + 1)]
    return all(later > earlier for earlier, later in itertools.pairwise(counts))


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
