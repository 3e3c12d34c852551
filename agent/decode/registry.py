"""Picks the dialect of an exchange and decodes it: the one entrance of this room.

Rule: never raises, whatever the bytes; what is not understood is an outcome.

A request is asked of each dialect in turn, the most particular first; the body's shape decides,
so that a path or a content type that lies does no harm. A request that the model refused (status
other than 2xx, or cut off) is not decoded: it was not scored, and its inputs would make the
model look drifted by its bad clients. The status is counted elsewhere.

A stream that was cut off after it had begun, by the client (499) or by the server, is decoded all
the same if an event of the answer came: the model did score it, people do stop a long answer, and
without them the lengths of prompts and answers would be those of the patient only.

A body of which some is missing is not decoded, but for an image, whose beginning says enough.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Protocol

from msgspec.structs import replace

from agent.decode import heads, usual
from agent.decode.bodies.message import Message, part_of_stream
from agent.decode.bodies.text import content
from agent.decode.dialects import (
    csv_rows,
    forms,
    json_lines,
    kserve_v1,
    kserve_v2,
    mlflow,
    sagemaker,
    seldon,
    tabular,
    torchserve,
    vertex,
)
from agent.decode.failures import failure
from agent.decode.files import arrow, image, npy
from agent.decode.llm import (
    anthropic_messages,
    bedrock_converse,
    gemini,
    ollama,
    ollama_embed,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_responses,
    tgi,
)
from agent.decode.llm.asked import may_be_language
from agent.decode.names import answered, named
from agent.decode.payload import NO_ROWS, Decoded, Outcome, Payload, Refused, Side
from agent.decode.rules.ready import Ignores
from agent.decode.rules.walk import remove
from agent.exchange import Exchange


class Dialect(Protocol):
    """A module a dialect. Its functions raise nothing but Refused, whatever the bytes."""

    NAME: str

    def evidence(self, asked: Message) -> str:
        """Why a request is of this dialect, in a few words for people; empty if it is not."""

    def request(self, asked: Message) -> Side:
        """Named inputs of a request that is of it."""

    def response(self, answer: Message, rows: int) -> Side:
        """Named outputs of an answer to a request of so many rows."""


FILES: tuple[Dialect, ...] = (npy, arrow, image)
"""What their first bytes say; an answer may be one whatever the request was."""
BEFORE: tuple[Dialect, ...] = (
    *FILES,
    kserve_v2,
    csv_rows,
    forms,
    json_lines,
    sagemaker,
    mlflow,
    vertex,
    kserve_v1,
    seldon,
    torchserve,
)
"""Those that a body or a field says with certainty come first, then those that need no parse."""
LANGUAGE: tuple[Dialect, ...] = (
    ollama,
    ollama_embed,
    tgi,
    gemini,
    bedrock_converse,
    anthropic_messages,
    openai_embeddings,
    openai_responses,
    openai_completions,
    openai_chat,
)
AFTER: tuple[Dialect, ...] = (tabular,)
DIALECTS = BEFORE + LANGUAGE + AFTER
"""In the order that they are asked in. `agent.config` lists their names: a route may choose one."""
BY_NAME = {dialect.NAME: dialect for dialect in DIALECTS}
_PREDICTING: tuple[Dialect, ...] = (kserve_v1, mlflow, vertex)
"""Whose answers are `predictions`."""
CHOSEN = "the settings of its route say so"
"""The evidence of a dialect that nobody looked for."""
NONE = "none"
"""The dialect of what was not looked at or not recognised."""

_JSON = (b"{", b"[")
"""How documents begin."""
_UNEARNED = "other"
"""The worker's word for the model of a request that failed on a path that never went well."""
_TOO_DEEP = "it is nested too deep"
_NOT_CAPTURED: dict[str, Outcome] = {
    "unsampled": "not_captured_unsampled",
    "budget": "not_captured_budget",
    "off": "not_captured_off",
}


def decode(exchange: Exchange, chosen: str = "", ignores: Ignores | None = None) -> Decoded:
    """The named columns of an exchange, or the outcome that says why there are none.

    `chosen`: the name of the dialect that it is of, where the settings say so; `ignores`: what
    does not become columns.
    """
    if exchange.capture != "full":
        return Decoded(None, NONE, _NOT_CAPTURED.get(exchange.capture, "not_captured_off"))
    if not (chosen or ignores) and (usual_one := _instances(exchange)) is not None:
        return usual_one
    cut_off = bool(exchange.error) or not 200 <= exchange.status < 300
    if cut_off and not _began_to_stream(exchange):
        return Decoded(None, NONE, "error_status")
    dialect: Dialect | None = None
    evidence = ""
    try:
        body = exchange.request_body
        part = image.of_part(body) if body is not None and body[2] else None
        if part is not None:
            dialect, evidence, inputs = image, image.LONGER, part
        else:
            raw = content(body, exchange.request_fields)
            plain = None if chosen or ignores else kserve_v1.plain_request(raw)
            if plain is not None:
                dialect, evidence, inputs = speaker(exchange.target), kserve_v1.USUAL, plain
            elif not (chosen or ignores) and (
                found := usual.request(raw, exchange.request_fields, exchange.target)
            ):
                dialect, evidence, inputs = BY_NAME[found[0]], found[1], found[2]
            else:
                asked = Message(raw, exchange.request_fields, exchange.target)
                dialect, evidence = (BY_NAME[chosen], CHOSEN) if chosen else dialect_of(asked)
                if ignores and ignores.request:
                    remove(asked.document, ignores.request)
                inputs = dialect.request(asked)
        if not inputs.columns:
            return Decoded(None, dialect.NAME, "empty", evidence, "no rows")
        outputs, outcome, why = _outputs(dialect, exchange, inputs.rows, ignores)
        if cut_off and outcome != "ok":
            return Decoded(None, dialect.NAME, "error_status", evidence, why)
        payload = _payload(exchange, inputs, outputs)
        return Decoded(payload, dialect.NAME, outcome, evidence, why)
    except Refused as refused:
        return Decoded(None, _name(dialect), refused.outcome, evidence, refused.why)
    except RecursionError:
        return Decoded(None, _name(dialect), "too_large", evidence, _TOO_DEEP)


def _instances(exchange: Exchange) -> Decoded | None:
    """A usual request of `instances` and a usual answer, with as few calls as can be; or None."""
    error, status, target, asked, answered, model, id, trace, fields = _of_instances(exchange)
    if error or not 200 <= status < 300 or asked is None or answered is None:
        return None
    if asked[1] or asked[2] or answered[1] or answered[2]:
        return None
    inputs = kserve_v1.plain_request(asked[0])
    outputs = None if inputs is None else kserve_v1.plain_response(answered[0])
    if inputs is None or outputs is None:
        return None
    named_model, version = named(target)
    payload = Payload(
        model or named_model or heads.model(exchange.request_fields, fields),
        outputs.version or heads.version(fields) or version,
        "",
        inputs.columns,
        outputs.columns,
        inputs.rows,
        outputs.rows,
        0,
        (id, trace[0] if trace else b""),
    )
    return Decoded(payload, speaker(target).NAME, "ok", kserve_v1.USUAL)


_of_instances = itemgetter(
    *map(
        Exchange._fields.index,
        (
            "error",
            "status",
            "target",
            "request_body",
            "response_body",
            "model",
            "request_id",
            "trace",
            "response_fields",
        ),
    )
)


def _name(dialect: Dialect | None) -> str:
    return NONE if dialect is None else dialect.NAME


def dialect_of(asked: Message) -> tuple[Dialect, str]:
    """The first dialect that a request is of, and on what evidence. Raises Refused."""
    for group in (BEFORE, LANGUAGE, AFTER):
        if group is LANGUAGE and not may_be_language(asked):
            continue
        for dialect in group:
            if evidence := dialect.evidence(asked):
                return dialect, evidence
    raise asked.refused or Refused("unsupported")


def speaker(target: bytes) -> Dialect:
    """Whose a request of nothing but `instances` is: dialects share these, and the path decides."""
    if (
        b"/invocations" not in target
        and b"/endpoints/" not in target
        and b"/publishers/" not in target
    ):
        return kserve_v1
    path = target.partition(b"?")[0]
    if path.endswith(sagemaker.PATH):
        return mlflow
    return vertex if vertex.PATH.search(path) else kserve_v1


def _outputs(
    dialect: Dialect, exchange: Exchange, rows: int, ignores: Ignores | None
) -> tuple[Side, Outcome, str]:
    version = ""
    try:
        body, fields = exchange.response_body, exchange.response_fields
        is_part = body is not None and body[2] and dialect in LANGUAGE
        part = part_of_stream(body, fields, exchange.target) if is_part else None
        raw = content(body, fields) if part is None else part.raw
        quickly = part is None and not ignores
        plain = quickly and dialect in _PREDICTING
        outputs = kserve_v1.plain_response(raw) if plain else None
        if outputs is None and quickly:
            outputs = usual.response(dialect.NAME, raw, fields, rows)
        if outputs is not None:
            return outputs, "ok", ""
        answer = part or Message(raw, fields, exchange.target)
        is_object = raw[:64].lstrip()[:1] == b"{" and not answer.is_stream
        if is_object and isinstance(answer.document, dict):
            version = answered(answer.document)
        failed = failure(answer.document) if raw[:1] in _JSON and not answer.is_stream else ""
        if failed:
            side = Side({}, 0, version=version, failure=failed)
            return side, "inputs_only", f"the answer is a failure, by its {failed}"
        if raw[:1] not in _JSON:
            dialect = next((file for file in FILES if file.evidence(answer)), dialect)
        if ignores and ignores.response and not answer.is_stream:
            remove(answer.document, ignores.response)
        outputs = dialect.response(answer, rows)
        if not outputs.rows:
            outputs = replace(outputs, failure=NO_ROWS)
        return replace(outputs, version=version) if version else outputs, "ok", ""
    except (Refused, RecursionError) as error:
        why = error.why or error.outcome if isinstance(error, Refused) else _TOO_DEEP
        return Side({}, 0, version=version), "inputs_only", f"the answer: {why}"


def _began_to_stream(exchange: Exchange) -> bool:
    """Whether a stream of a good status was cut off: the client left, or the server broke off."""
    if exchange.status != 499 and not 200 <= exchange.status < 300:
        return False
    body = exchange.response_body
    if body is None or not body[0]:
        return False
    return Message(body[0], exchange.response_fields, exchange.target).is_stream


def _payload(exchange: Exchange, inputs: Side, outputs: Side) -> Payload:
    model, version = named(exchange.target)
    of_body = inputs.model or outputs.model
    known = "" if exchange.error and exchange.model == _UNEARNED else exchange.model
    asked, answered = exchange.request_fields, exchange.response_fields
    version = outputs.version or heads.version(answered) or version
    return Payload(
        known or model or of_body or heads.model(asked, answered),
        "" if version == of_body else version,  # what only repeats the name says nothing
        inputs.id or outputs.id,
        inputs.columns,
        outputs.columns,
        inputs.rows,
        outputs.rows,
        inputs.left_out + outputs.left_out,
        (exchange.request_id, exchange.trace[0] if exchange.trace else b""),
        failure=outputs.failure,
    )
