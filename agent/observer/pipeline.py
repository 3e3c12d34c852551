"""What happens to an exchange, in one place and in this order.

Rule: every step gets the whole batch; a step that fails costs its own records and no other's.

    exemplars → redact → spans → decode → drift, quality → log lines → kept examples

What is written for people, spans and lines, is made of what left `redact`; decoding sees what came,
and its names go through `redact` too.

Between steps it lets others run: where worker and observer share a core, a request must not wait
for a whole frame of those before it.

Overload sheds from the end of that which matters least: sketches, then payload logs, then logs,
then spans. What was shed is counted in the ledger; the counts of requests never pass here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.decode import together
from agent.decode.payload import Decoded, Payload
from agent.decode.registry import NONE
from agent.decode.rules.reading import completed, read, whose
from agent.decode.rules.routes import Routes
from agent.drift.traffic.unseen import REASONS
from agent.exchange import Exchange
from agent.observer.decodes import REFUSED, Decodes
from agent.observer.faults import Faults
from agent.observer.generations import LANGUAGE, Generations
from agent.observer.kept import KeptExchanges
from agent.observer.names.naming import Naming
from agent.observer.outlets import Outlets, Payloads
from agent.observer.redact import Redactor
from agent.observer.shedding import LOGS, PAYLOAD_LOGS, SKETCHES, SPANS, Shedder
from agent.ship.queue import Record

Step = Callable[[Sequence[Exchange]], None]


class Pipeline:
    """See the module. `decoded` is what `outrider_decode_total` and the status show, `generations`
    the metrics of language models, `kept` what people see of single requests."""

    def __init__(
        self,
        outlets: Outlets,
        redactor: Redactor,
        shedder: Shedder,
        log: logging.Logger,
        routes: Routes | None = None,
        naming: Naming | None = None,
    ) -> None:
        """`routes`: what the settings say of paths; `naming`: what else names columns."""
        self._routes = routes or Routes()
        self._naming = naming
        if naming is not None:
            naming.onward = self._pass_on
        self._out = outlets
        self._redactor = redactor
        self._shedder = shedder
        self._faults = Faults(log)
        self.decoded = Decodes()
        self.generations = Generations()
        self.kept = KeptExchanges(outlets.strange)

    def handle(self, batch: list[Exchange], age_ns: int) -> int:
        """Takes one batch, handed over `age_ns` ago, through all steps.

        Gives how many records a fault of ours lost.
        """
        try:
            return self._handle(batch, age_ns)
        except Exception as error:
            self._tell("pipeline", error)
            return len(batch)

    def _handle(self, batch: list[Exchange], age_ns: int) -> int:
        level = self._shedder.level(age_ns)
        failed: set[int] = set()
        out, shed = self._out, self._shedder
        self._step("exemplars", out.exemplars, batch, failed)
        clean = self._redact(batch, failed) if out.spans or out.lines else batch
        os.sched_yield()
        if out.spans is not None:
            if level < SPANS:
                self._step("spans", self._ship_spans, clean, failed)
            else:
                shed.count(SPANS, len(batch))
        os.sched_yield()
        decoded = self._decode(batch, level, failed)
        os.sched_yield()
        payloads: Payloads = ()
        if out.lines is not None:
            if level < LOGS:
                payloads = self._log_payloads(batch, level, failed)
                self._ship_lines(clean, [*map(_dialect, decoded)], payloads, failed)
            else:
                shed.count(LOGS, len(batch))
        self._keep(batch, decoded, payloads)
        return len(failed)

    def _keep(
        self, batch: Sequence[Exchange], decoded: Sequence[Decoded | None], payloads: Payloads
    ) -> None:
        try:
            self.kept.add(batch, decoded, payloads, self._routes)
        except Exception as error:
            self._faults.tell("kept examples", error, "examples of requests are missing")

    def _step(self, name: str, work: Step, batch: Sequence[Exchange], failed: set[int]) -> None:
        """The whole batch at once; one by one only to find the record that is to blame."""
        try:
            work(batch)
        except Exception as error:
            self._tell(name, error)
            for n, exchange in enumerate(batch):
                try:
                    work((exchange,))
                except Exception:
                    failed.add(n)

    def _redact(self, batch: Sequence[Exchange], failed: set[int]) -> Sequence[Exchange]:
        """The same, fit to be shown, one to one; of what cannot be told nothing is."""
        clean = []
        for n, exchange in enumerate(batch):
            try:
                clean.append(self._redactor.exchange(exchange))
            except Exception as error:
                self._tell("redact", error)
                failed.add(n)
                clean.append(exchange._replace(**_NOTHING))
        return clean

    def _log_payloads(
        self, batch: Sequence[Exchange], level: int, failed: set[int]
    ) -> Sequence[Mapping[str, object] | None]:
        shown = self._out.payload_log
        if shown is None:
            return ()
        if level >= PAYLOAD_LOGS:
            self._shedder.count(PAYLOAD_LOGS, len(batch))
            return ()
        made: list[Mapping[str, object] | None] = [None] * len(batch)
        for n, exchange in enumerate(batch):
            try:
                made[n] = shown(exchange)
            except Exception as error:
                self._tell("payload log", error)
                failed.add(n)
        return made

    def _ship_spans(self, batch: Sequence[Exchange]) -> None:
        assert self._out.spans is not None
        made = self._out.spans.encode(batch)
        if made is not None:
            record = Record(made[0], made[1], units=made[2])
            for sender in self._out.span_senders:
                sender.put((record,))

    def _decode(
        self, batch: Sequence[Exchange], level: int, failed: set[int]
    ) -> list[Decoded | None]:
        """Decodes all, feeds drift and quality; gives what was found, one to one with the batch."""
        decoded: list[Decoded | None] = [None] * len(batch)
        sketch = level < SKETCHES
        for places in together.groups(batch):
            alike = [batch[n] for n in places]
            if found := self._decode_together(alike, sketch):
                for n in places:
                    decoded[n] = found
                continue
            for n, exchange in zip(places, alike, strict=True):
                try:
                    decoded[n] = self._decode_one(exchange, sketch)
                except Exception as error:
                    self._tell("decode", error)
                    failed.add(n)
        if not sketch:
            self._shedder.count(SKETCHES, len(batch))
        return decoded

    def _decode_together(self, alike: Sequence[Exchange], sketch: bool) -> Decoded | None:
        """What all are; None if it was not done or a fault was met: then one by one."""
        if self._routes.are_alone(alike[0].target):
            return None
        try:
            payload = together.decode(alike)
            if payload is not None:
                payload, values = completed(payload, alike, self._routes)
                self._feed(payload, alike[0], sketch)
                if values:
                    self._out.values(*self._titles(payload.model, payload.version), values)
        except Exception as error:
            self._tell("decode", error)
            return None
        if payload is None:
            return None
        route, dialect = alike[0].route, together.dialect(alike)  # all are of one target
        self.decoded.add((route, dialect, "ok", together.EVIDENCE), len(alike))
        return Decoded(None, dialect, "ok", together.EVIDENCE)

    def _feed(self, payload: Payload, exchange: Exchange, sketch: bool) -> Payload:
        """The payload as it may be shown."""
        if not sketch:
            payload = self._redactor.payload(payload)
            self._out.unseen(payload.model, "shed", payload.rows, payload.version)
            return payload
        found = self._naming.name(payload, exchange) if self._naming is not None else payload
        return self._redactor.payload(payload) if found is None else self._pass_on(found)

    def _pass_on(self, payload: Payload) -> Payload:
        payload = self._redactor.payload(payload)
        self.kept.look(payload)
        if self._out.drift(payload):
            self.kept.sample(payload)
        self._out.quality(payload)
        self._out.rows(payload)
        return payload

    def _decode_one(self, exchange: Exchange, sketch: bool) -> Decoded:
        found, values, _ = read(exchange, self._routes)
        if values:
            self._out.values(*self._titles(*whose(exchange, found, self._routes)), values)
        if found.payload is not None:
            payload = self._feed(found.payload, exchange, sketch)
            if found.dialect in LANGUAGE:
                self.generations.add(exchange, found.dialect, payload)
        self._tell_unseen(exchange, found)
        self.decoded.add((exchange.route, found.dialect, found.outcome, found.evidence), 1)
        if found.outcome in REFUSED:
            self.decoded.refused(exchange, found)
        return found

    def _tell_unseen(self, exchange: Exchange, found: Decoded) -> None:
        reason = REASONS.get(found.outcome)
        scored = 200 <= exchange.status < 300 and not exchange.error and exchange.request_size
        if reason is not None and scored:
            model, version = self._titles(*whose(exchange, found, self._routes))
            self._out.unseen(model, reason, 1, version)

    def _titles(self, model: str, version: str) -> tuple[str, str]:
        return self._redactor.title(model), self._redactor.title(version)

    def _ship_lines(
        self,
        batch: Sequence[Exchange],
        dialects: list[str],
        payloads: Payloads,
        failed: set[int],
    ) -> None:
        out, lines = self._out, self._out.lines
        assert lines is not None

        def ship(part: Sequence[Exchange]) -> None:
            own, bodies = dialects, payloads
            if part is not batch:
                at = next(n for n, x in enumerate(batch) if x is part[0])
                own, bodies = dialects[at : at + 1], payloads[at : at + 1]
            if out.log_senders:
                records = [Record(*line) for line in lines.records(part, own, bodies)]
                for sender in out.log_senders:
                    sender.put(records)
                made: Sequence[bytes] = [record.data for record in records]
            else:
                made = lines.lines(part, own, bodies)
            if made and out.stdout:
                whole = Record(_end_ns(part[-1]), b"\n".join(made), units=len(made))
                for sender in out.stdout:
                    sender.put((whole,))

        self._step("logs", ship, batch, failed)

    def _tell(self, step: str, error: Exception) -> None:
        self._faults.tell(step, error, "such records are counted as failed")


_NOTHING: dict[str, Any] = {
    "target": b"", "route": "", "model": "", "request_fields": [], "response_fields": [],
}  # fmt: skip


def _dialect(found: Decoded | None) -> str:
    return "" if found is None or found.dialect == NONE else found.dialect


def _end_ns(exchange: Exchange) -> int:
    return exchange.start_ns + int(exchange.duration * 1e9)
