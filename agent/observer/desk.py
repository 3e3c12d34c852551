"""Where the admin port meets the monitor: its page, and orders, of which each is logged.

Rule: it translates and tells; what an order means is `agent.drift`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from agent.admin.orders import Orders, Refused
from agent.drift.monitor import Monitor
from agent.drift.reference.name import Name
from agent.drift.reference.profile import shown
from agent.drift.state.orders import OrderError, parse
from agent.drift.traffic.unseen import CAVEAT
from agent.ledger import Ledger

T = TypeVar("T")


def orders(monitor: Monitor, log: logging.Logger) -> Orders:
    """What may be asked of this monitor."""

    def acknowledge(body: bytes) -> dict[str, Any]:
        order = parse(body)
        done = monitor.acknowledge(order)
        names = [f"{column['side']} {column['name']}" for column in done["columns"]]
        of = Name(done["model"], done["version"])
        text = f"drift of {of.told()}: {order.action} of {', '.join(names[:20])}"
        extra = {"model": order.model, "action": order.action, "by": order.by, "note": order.note}
        extra |= {"version": of.version} if of.version else {}
        log.info(text, extra=extra)
        return done

    def reference(model: str | None, version: str | None) -> tuple[bytes, str]:
        profile = monitor.reference(model, version)
        return shown(profile), profile.hash

    def publish(
        model: str | None, version: str | None, body: bytes, by: str, note: str
    ) -> dict[str, Any]:
        done = monitor.publish(model, body, by, note, version)
        text = f"a reference was published for {Name(done['model'], done['version']).told()}"
        log.info(text, extra={"reference": done["hash"], "by": by, "note": note})
        return done

    return Orders(_told(acknowledge), _told(reference), _told(publish))


def drift_page(monitor: Monitor, ledger: Ledger) -> dict[str, Any]:
    """`/api/v1/drift`: the monitor's status, and what never came to it, of whatever model."""
    observed = ledger.counter("observed")
    lost = sum(ledger.counter(f"dropped_{why}") for why in ("full", "away", "killed"))
    lost += sum(ledger.observer_counter(why) for why in ("failed", "lost"))
    share = lost / observed if observed else 0.0
    caveat = f"{share:.1%} of the records of requests were lost before they were looked at"
    return {
        **monitor.status(),
        "records_lost": {"records": lost, "share": share},
        "caveats": [caveat] if share > CAVEAT else [],
    }


def _told(work: Callable[..., T]) -> Callable[..., T]:
    def careful(*given: Any) -> T:
        try:
            return work(*given)
        except OrderError as problem:
            raise Refused(problem.status, problem.shown()) from None

    return careful
