"""An exchange as columns and business values: `registry`'s, and what its route's rules make of it.

Rule: never raises, whatever the bytes. Where no route is described it is `registry.decode`, and
costs no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from agent.decode.names import named as named_by
from agent.decode.payload import Decoded, Payload
from agent.decode.registry import decode
from agent.decode.rules.places import Places
from agent.decode.rules.ready import Rules
from agent.decode.rules.routes import UNTOLD, Route, Routes, named, renamed, wanted
from agent.decode.rules.shaping import NotFound, extended, names_at
from agent.decode.rules.tally import Tally
from agent.decode.rules.values import tallies
from agent.exchange import Exchange

Reading = tuple[Decoded, Sequence[Tally], NotFound]
"""The columns as they are wanted, business values, and extra columns that were not found."""
_NOTHING = NotFound()


def read(exchange: Exchange, routes: Routes) -> Reading:
    """All that is read of an exchange."""
    route = routes.of(exchange.target)
    if route is UNTOLD:
        return decode(exchange), (), _NOTHING
    rules = route.rules
    found = decode(exchange, route.dialect, rules and rules.ignores)
    if rules is not None:
        return _by_rules(exchange, found, route, rules)
    if found.payload is None:
        return found, (), _NOTHING
    return replace(found, payload=wanted(named(found.payload, route), route)), (), _NOTHING


def _by_rules(exchange: Exchange, found: Decoded, route: Route, rules: Rules) -> Reading:
    places = Places(exchange)
    payload, unfound = found.payload, _NOTHING
    if payload is not None:
        payload = named(_renamed(payload, places, rules), route)
        if rules.extra:
            payload, unfound = extended(payload, rules.extra, places)
        kept = wanted(payload, route)
        if kept is not found.payload:
            found = replace(found, payload=kept)
    if not rules.values or not is_scored(exchange):
        return found, (), unfound
    if payload is None:
        return found, tallies(rules.values, places, {}, {}), unfound
    return found, tallies(rules.values, places, payload.inputs, payload.outputs), unfound


def _renamed(payload: Payload, places: Places, rules: Rules) -> Payload:
    """With the names that its documents say."""
    if rules.columns is None and rules.outputs is None:
        return payload
    inputs, outputs = payload.inputs, payload.outputs
    if rules.columns is not None:
        inputs = renamed(inputs, names_at(places, True, rules.columns))
    if rules.outputs is not None:
        outputs = renamed(outputs, names_at(places, False, rules.outputs))
    return replace(payload, inputs=inputs, outputs=outputs)


def completed(
    payload: Payload, alike: Sequence[Exchange], routes: Routes
) -> tuple[Payload, Sequence[Tally]]:
    """What `read` gives of exchanges decoded together, that are not `Routes.are_alone`."""
    route = routes.of(alike[0].target)
    if route.rules is None:
        return routes.complete(payload, alike[0].target), ()
    payload = named(payload, route)
    found = tallies(route.rules.values, Places(alike[0]), payload.inputs, payload.outputs)
    of_each = [  # rows that are decoded together have the same columns
        replace(tally, missing=len(alike)) if tally.why == "absent" else tally for tally in found
    ]
    return wanted(payload, route), of_each


def is_scored(exchange: Exchange) -> bool:
    """Whether the model answered it well, and it was captured: only such are counted."""
    is_good = 200 <= exchange.status < 300 and not exchange.error
    return is_good and exchange.capture == "full" and exchange.request_size > 0


def whose(exchange: Exchange, found: Decoded, routes: Routes) -> tuple[str, str]:
    """Model and version that scored an exchange, as far as they are known."""
    model, version = named_by(exchange.target)
    if found.payload is not None:
        model, version = found.payload.model, found.payload.version
    else:
        model = exchange.model or model
    return model, version or routes.version(exchange.target)
