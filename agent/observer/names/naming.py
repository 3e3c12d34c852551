"""Columns without names and requests without a version get what the reference or the server says.

Rule: a payload that has both passes untouched. What the server says settles how a model's rows are
called before the first of them is passed on: they wait for its answer, for `hold` seconds at most
and within MAX_HELD bytes, so that no reference is learned of one column under two names. An answer
that comes later counts for the version, and for names that the reference already has.

`asking` asks; here is what to ask, of whom, and what becomes of the answer. At most
MAX_MODELS are asked for, whatever names come in. Not thread-safe: one loop does all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from agent.decode.bodies.text import content
from agent.decode.dialects.kserve_v2 import RAW, of_raw
from agent.decode.metadata import NOTHING, Question, Told, question
from agent.decode.payload import Payload, Refused
from agent.decode.rules.routes import NAMELESS, renamed
from agent.decode.shapes.tensors import Tensor
from agent.drift.reference.profile import Profile
from agent.exchange import Exchange
from agent.observer.faults import Faults
from agent.observer.names.chosen import Chosen, chosen

MAX_MODELS = 64
MAX_HELD = 8 << 20
"""Bytes of all payloads that wait, about."""
CELL_BYTES, PAYLOAD_BYTES, FIELD_BYTES = 64, 2048, 150
"""Of a cell; of a payload with its exchange; of a field of a head beside its text."""
AGAIN = 300.0
"""Seconds until a version is asked for again: a rollout changes it."""
FIRST_RETRY, LAST_RETRY = 1.0, 600.0
"""Seconds after an ask that was not answered; each time twice as long."""
NOT_ASKED = "not asked"
NAMED = "request or config"
_NAMELESS = NAMELESS | {RAW}
MAX_KINDS = 16
"""Of payloads of a model: versions, and columns."""


@dataclass(slots=True)
class Model:
    """What is known of one model, or of one path whose model nobody names."""

    name: str
    question: Question | None
    target: bytes
    """Of the first request."""
    told: Told = NOTHING
    path: bytes = b""
    """That told it."""
    outcome: str = NOT_ASKED
    """Of the last ask, for people."""
    due: float | None = None
    """When it is asked next; None: never."""
    waits: float = FIRST_RETRY
    since: float | None = None
    """When rows began to wait; None: they do not."""
    held: list[tuple[Payload, Exchange]] = field(default_factory=list)
    settled: dict[str, Told] = field(default_factory=dict)
    """What the server had told when the first row of a version was passed on: its names hold."""
    kinds: dict[tuple[str, str, str, int, int], tuple[Profile | None, Chosen, Chosen]] = field(
        default_factory=dict
    )
    """What was chosen by version, first columns and their numbers, and by which reference."""


class Naming:
    """See the module."""

    def __init__(
        self,
        expected: Callable[[str, str], Profile | None],
        faults: Faults,
        *,
        asks: bool,
        hold: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`expected`: the reference of a model and version, if there is one.

        `asks`: whether the model server is to be asked. `hold`: seconds that rows wait for its
        answer. `clock`: seconds.
        """
        self._faults = faults
        self.onward: Callable[[Payload], object]
        """Where rows go that had to wait."""
        self.wanted: asyncio.Queue[Model] = asyncio.Queue()
        """Those to be asked for, at most once each."""
        self._expected = expected
        self._clock = clock
        self._asks = asks
        self._hold_seconds = hold
        self._models: dict[str, Model] = {}
        self._has_nameless = False
        """One of them is told by its route, as nobody names it."""
        self._held = 0

    def name(self, payload: Payload, exchange: Exchange) -> Payload | None:
        """The payload with what is known beside it; None: it waits, and goes `onward` later."""
        if payload.version and not is_unnamed(payload):
            return payload
        key = payload.model or exchange.route
        model = self._models.get(key)
        if model is None:
            if len(self._models) >= MAX_MODELS:
                return payload
            model = self._models[key] = Model(key, question(exchange.target), exchange.target)
            self._has_nameless |= not payload.model
        if self._asks and model.outcome == NOT_ASKED and _is_worth_asking(model, payload):
            model.outcome, model.since = "asked", self._clock()
            self.wanted.put_nowait(model)
        if model.since is not None and self._hold(model, payload, exchange):
            return None
        return self._told(model, payload, exchange)

    def answered(self, model: Model, told: Told, path: bytes, outcome: str) -> None:
        """Takes what the server said of it, and lets its rows go on. `outcome`: for people."""
        model.told, model.path, model.outcome = told, path, outcome
        model.waits = FIRST_RETRY
        model.due = self._clock() + AGAIN if told.version else None
        model.kinds.clear()
        self._release(model)

    def refused(self, model: Model, outcome: str) -> None:
        """It has no answer to that question; what it said before holds."""
        model.outcome = outcome
        model.due = self._clock() + AGAIN if model.told.version else None
        self._release(model)

    def failed(self, model: Model, outcome: str) -> None:
        """It did not answer, and is asked again."""
        model.outcome = outcome
        model.due = self._clock() + model.waits
        model.waits = min(2 * model.waits, LAST_RETRY)

    def tick(self) -> None:
        """Lets rows go that waited long enough, and asks again where it is time; once a second."""
        now = self._clock()
        for model in self._models.values():
            if model.since is not None and now - model.since >= self._hold_seconds:
                self._release(model)
            if model.due is not None and now >= model.due:
                model.due = None
                self.wanted.put_nowait(model)

    def end(self) -> None:
        """All rows go on as they are."""
        for model in self._models.values():
            self._release(model)

    def status(self, watched: Iterable[str]) -> list[dict[str, Any]]:
        """Of each model where its names and its version come from, and on what evidence.

        `watched`: models of which there may be nothing to say here.
        """
        found = {name: _status(model) for name, model in self._models.items()}
        for name in watched:
            if name or not self._has_nameless:
                found.setdefault(name, {"model": name, "asked": None, "columns": []})
        for item in found.values():
            item["columns"] = item["columns"] or [{"from": NAMED, "evidence": ""}]
        return [*found.values()]

    # ---- waiting

    def _hold(self, model: Model, payload: Payload, exchange: Exchange) -> bool:
        """Whether there was room for it to wait."""
        exchange = exchange._replace(target=b"", response_fields=[], response_body=None)
        if RAW not in payload.inputs:
            exchange = exchange._replace(request_fields=[], request_body=None)
        size = _size(payload, exchange)
        if self._held + size > MAX_HELD:
            self._release(model)
            return False
        self._held += size
        model.held.append((payload, exchange))
        return True

    def _release(self, model: Model) -> None:
        model.since = None
        held, model.held = model.held, []
        for payload, exchange in held:
            self._held -= _size(payload, exchange)
            try:
                self.onward(self._told(model, payload, exchange))
            except Exception as error:
                self._faults.tell("names", error, "such rows are left out of drift")

    # ---- naming

    def _told(self, model: Model, payload: Payload, exchange: Exchange) -> Payload:
        """With what is known of its model."""
        told = model.told
        if told.version and not payload.version:
            payload = replace(payload, version=told.version)
        if payload.version not in model.settled and len(model.settled) < MAX_KINDS:
            model.settled[payload.version] = told
        if RAW in payload.inputs and told.raw is not None:
            payload = _read(payload, exchange, told.raw)
        if not is_unnamed(payload):
            return payload
        _, asked, answered = self._chosen(model, payload)
        if not asked.names and not answered.names:
            return payload
        inputs = renamed(payload.inputs, asked.names)
        return replace(payload, inputs=inputs, outputs=renamed(payload.outputs, answered.names))

    def _chosen(self, model: Model, payload: Payload) -> tuple[Profile | None, Chosen, Chosen]:
        reference = self._expected(payload.model, payload.version)
        inputs, outputs = payload.inputs, payload.outputs
        begin = next(iter(inputs), ""), next(iter(outputs), "")
        kind = payload.version, *begin, len(inputs), len(outputs)
        known = model.kinds.get(kind)
        if known is not None and known[0] is reference:
            return known
        if known is None and len(model.kinds) >= MAX_KINDS:
            model.kinds.clear()
        first, now = model.settled.get(payload.version, NOTHING), model.told
        asked = chosen("input", inputs, reference, first.inputs or now.inputs, bool(first.inputs))
        answered = chosen(
            "output", outputs, reference, first.outputs or now.outputs, bool(first.outputs)
        )
        model.kinds[kind] = found = reference, asked, answered
        return found


def is_unnamed(payload: Payload) -> bool:
    """Whether a side may have columns without names of their own; its first one tells."""
    for first in payload.inputs:
        if first in _NAMELESS or first[-2:] == "-0":
            return True
        break
    for first in payload.outputs:
        return first[-2:] == "-0"
    return False


def _is_worth_asking(model: Model, payload: Payload) -> bool:
    asked = model.question
    if asked is None:
        return False
    first = next(iter(payload.inputs), "")
    return asked.tells_version or first[-2:] == "-0"


def _size(payload: Payload, exchange: Exchange) -> int:
    cells = payload.rows * len(payload.inputs) + payload.output_rows * len(payload.outputs)
    size = PAYLOAD_BYTES + CELL_BYTES * cells
    if exchange.request_body is not None:
        size += exchange.request_size
    return size + sum([FIELD_BYTES + len(k) + len(v) for k, v in exchange.request_fields])


def _read(payload: Payload, exchange: Exchange, tensor: Tensor) -> Payload:
    """A raw tensor, of which the server told what it is; as it was if it is not that."""
    try:
        side = of_raw(content(exchange.request_body, exchange.request_fields), tensor)
    except Refused:
        return payload
    return replace(payload, inputs=side.columns, rows=side.rows)


def _status(model: Model) -> dict[str, Any]:
    where = f"GET {model.path.decode('latin-1')}"
    columns = [
        {
            "version": version,
            "side": side,
            "count": count,
            "from": one.source,
            "evidence": one.why or (where if one.source == "server" else ""),
        }
        for (version, _, _, asked, answered), (_, *both) in model.kinds.items()
        for side, count, one in zip(("input", "output"), (asked, answered), both, strict=True)
        if count
    ]
    question, told = model.question, model.told
    asked = question is not None and model.outcome != NOT_ASKED
    return {
        "model": model.name,
        "asked": {
            "paths": [path.decode("latin-1") for path in question.paths],
            "outcome": model.outcome,
            "version": told.version or None,
            "evidence": where if told is not NOTHING else "",
            "rows_waiting": sum(payload.rows for payload, _ in model.held),
        }
        if asked and question is not None
        else None,
        "columns": columns,
    }
