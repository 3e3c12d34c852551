"""Where the admin port meets the monitor: its page, and orders, of which each is logged.

Rule: it translates and tells; what an order means is `agent.drift`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from agent.admin.orders import Orders, Refused
from agent.drift.monitor import Monitor
from agent.drift.pictures import asked
from agent.drift.pictures.outputs import outputs
from agent.drift.reference.name import Name
from agent.drift.reference.profile import shown
from agent.drift.state.orders import OrderError, parse
from agent.drift.traffic.unseen import CAVEAT
from agent.drift.traffic.versions import (
    MAX_LEARNING,
    MAX_LEARNING_VERSIONS,
    MAX_MODELS,
    MAX_VERSIONS,
)
from agent.ledger import Ledger
from agent.observer.redact import Redactor
from agent.quality.distributions import distributions
from agent.quality.monitor import Quality

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


def drift_page(monitor: Monitor, ledger: Ledger, redactor: Redactor) -> dict[str, Any]:
    """`/api/v1/drift`: the monitor's status, its categories redacted, and what never came to it, of
    whatever model."""
    observed = ledger.counter("observed")
    lost = sum(ledger.counter(f"dropped_{why}") for why in ("full", "away", "killed"))
    lost += sum(ledger.observer_counter(why) for why in ("failed", "lost"))
    share = lost / observed if observed else 0.0
    status: dict[str, Any] = monitor.status()
    for model in status["models"]:
        for column in model["columns"]:
            _redact(column, redactor)
    return {
        **status,
        "records_lost": {"records": lost, "share": share},
        "caveats": [*_not_seen(share, monitor)],
    }


def _not_seen(lost: float, monitor: Monitor) -> Iterator[str]:
    """What no model's own caveats can tell, as it is in none of them."""
    if lost > CAVEAT:
        yield f"{lost:.1%} of the records of requests were lost before they were looked at"
    if rows := monitor.rows_unseen:
        yield (
            f"{rows:,} rows were of models that are not watched: {MAX_LEARNING} learn a reference "
            f"at once, {MAX_MODELS} are watched in all; give some a reference (drift.references)"
        )
    if further := sum(monitor.rows_of_further_versions.values()):
        yield (
            f"{further:,} rows were of versions that are not watched: {MAX_VERSIONS} of a model "
            f"are, {MAX_LEARNING_VERSIONS} of them while they learn"
        )


def column_page(monitor: Monitor, redactor: Redactor, query: Mapping[str, str]) -> dict[str, Any]:
    """`/api/v1/drift/column`: a column's picture, its categories redacted. May raise Refused."""
    page: dict[str, Any] = _told(asked.column_page)(monitor, query)
    _redact(page["column"], redactor)
    for one in page["bins"]:
        if one["category"] is not None:
            one["bin"] = one["category"] = redactor.name(one["category"])
    return page


def _redact(column: dict[str, Any], redactor: Redactor) -> None:
    """The names of its categories, where a verdict names some."""
    if column["kind"] != "categorical":
        return
    if column.get("test"):
        column["test"] = redactor.name(column["test"])
    share = column.get("share")
    named = column.get("moved") or (), column["examples"], [share] if share else ()
    for part in chain.from_iterable(named):
        part["bin"] = redactor.name(part["bin"])


def predictions_page(monitor: Monitor, quality: Quality, redactor: Redactor) -> dict[str, Any]:
    """`/api/v1/predictions`: what models predict, and how sure they are of it.

    A confidence that is watched for drift is shown as it is there, beside its reference.
    """
    found = [*outputs(monitor.models.values())]
    judged = {(one["model"], one["version"]) for one in found if one["kind"] == "confidence"}
    found += (
        one
        for one in distributions(quality.watched.values())
        if one["kind"] != "confidence" or (one["model"], one["version"]) not in judged
    )
    for one in found:
        for name in ("model", "version"):
            one[name] = redactor.title(one[name])
        one["output"] = redactor.name(one["output"])
        for part in one["bins"] if one["kind"] == "label" else ():
            part |= {"label": redactor.name(part["label"])} if "label" in part else {}
    return {"outputs": found}


def _told(work: Callable[..., T]) -> Callable[..., T]:
    def careful(*given: Any) -> T:
        try:
            return work(*given)
        except OrderError as problem:
            raise Refused(problem.status, problem.shown()) from None

    return careful
