"""Tokens and times of language models, as OpenTelemetry's conventions name and bound them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from prometheus_client.samples import Sample

from agent.decode import registry
from agent.decode.registry import BY_NAME, decode
from agent.exchange import ABSENT, Exchange
from agent.observer.generations import LANGUAGE, MAX_SERIES, Generations
from agent.signals.otlp_metrics import metrics_data
from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.signals.factory import USUAL
from tests.wire import chunked, request

MESSAGES = [{"role": "user", "content": "private words"}]
FIRST = "gen_ai_server_time_to_first_token_seconds"
EACH = "gen_ai_server_time_per_output_token_seconds"
TOKENS, TRUNCATED = "gen_ai_client_token_usage", "outrider_stream_truncated_total"


def events(*documents: dict[str, Any], end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in documents) + end


def chunk(text: str, **more: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}], **more}


USAGE = {"prompt_tokens": 12, "completion_tokens": 5}
WHOLE = events(chunk("a"), chunk("b"), chunk("", usage=USAGE))
LINES = (
    {"model": "m", "response": "a", "done": False},
    {"model": "m", "response": "b", "done": False},
    {"model": "m", "response": "", "done": True, "prompt_eval_count": 7, "eval_count": 3},
)
OLLAMA = [json.dumps(one).encode() + b"\n" for one in LINES]


def streamed(answer: bytes, path: bytes = b"/v1/chat/completions", **more: Any) -> Exchange:
    asked = {"model": "m", "stream": True, "messages": MESSAGES}
    if path.endswith(b"/generate"):
        asked = {"model": "m", "prompt": "private words"}
    body = json.dumps(asked).encode()
    kind = b"application/x-ndjson" if answer[:1] == b"{" else b"text/event-stream"
    made = USUAL._replace(
        target=path, route=path.decode(), model="", streamed=True, upstream=0.125, first_piece=0.25,
        stream=4.125, pieces=4, largest_gap=1.0, response_fields=[(b"content-type", kind)],
        request_size=len(body), response_size=len(answer), request_body=(body, b"", 0),
        response_body=(answer, b"", 0),
    )  # fmt: skip
    return made._replace(**more)


def counted(*exchanges: Exchange) -> Generations:
    generations = Generations()
    for x in exchanges:
        found = decode(x)
        assert found.payload is not None, found
        generations.add(x, found.dialect, found.payload)
    return generations


def samples(generations: Generations) -> list[Sample]:
    return [sample for family in generations.collect() for sample in family.samples]


def value(generations: Generations, name: str, **labels: str) -> float:
    found = [s for s in samples(generations) if s.name == name]
    return sum(s.value for s in found if labels.items() <= s.labels.items())


def test_every_dialect_of_language_models_has_an_operation_and_a_provider():
    assert LANGUAGE.keys() == {dialect.NAME for dialect in registry.LANGUAGE}
    assert LANGUAGE.keys() <= BY_NAME.keys()


def test_a_stream_that_came_whole():
    found = counted(streamed(WHOLE))
    of = {
        "gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "m", "http_route": "/v1/chat/completions",
    }  # fmt: skip
    assert value(found, FIRST + "_sum", **of) == 0.25
    assert value(found, EACH + "_sum", **of) == (0.125 + 4.125 - 0.25) / (5 - 1)
    assert value(found, TOKENS + "_sum", gen_ai_token_type="input", **of) == 12
    assert value(found, TOKENS + "_sum", gen_ai_token_type="output", **of) == 5
    assert value(found, TRUNCATED) == 0


def test_lines_of_ollama():
    found = counted(streamed(b"".join(OLLAMA), b"/api/generate"))
    of = {"gen_ai_provider_name": "ollama"}
    assert value(found, TOKENS + "_sum", gen_ai_token_type="output", **of) == 3
    assert value(found, EACH + "_sum", **of) == 2.0


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (events(chunk("a"), end=b""), b"/v1/chat/completions"),
        (b"".join(OLLAMA[:2]), b"/api/generate"),
    ],
    ids=["events", "lines"],
)
def test_an_end_mark_that_did_not_come_is_truncation_unless_somebody_aborted(answer, path):
    assert value(counted(streamed(answer, path)), TRUNCATED, http_route=path.decode()) == 1
    for status, error in ((499, "client_abort"), (200, "upstream_reset")):
        left = streamed(answer, path, status=status, error=error, stream=ABSENT)
        assert value(counted(left), TRUNCATED) == 0


@pytest.mark.parametrize(
    "more",
    [
        {"error": "client_abort", "status": 499, "stream": ABSENT},
        {"pieces": 1, "largest_gap": 0.0, "stream": 0.125},
        {"streamed": False},
    ],
    ids=["left", "in one read", "with a length"],
)
def test_there_is_no_time_a_token_without_a_stream_that_came_whole(more):
    found = counted(streamed(WHOLE, **more))
    assert value(found, EACH + "_count") == 0
    assert value(found, FIRST + "_count") == int(more.get("streamed", True))
    assert value(found, TOKENS + "_count") == 2


def test_one_token_has_no_time_a_token():
    one = events(chunk("a", usage={"prompt_tokens": 1, "completion_tokens": 1}))
    assert value(counted(streamed(one)), EACH + "_count") == 0


def test_tokens_that_the_server_does_not_count_are_not_guessed():
    found = counted(streamed(events(chunk("a"), chunk("b"))))
    assert value(found, TOKENS + "_count") == 0
    assert value(found, FIRST + "_count") == 1


def test_models_that_clients_make_up_are_bounded():
    generations = Generations()
    x = streamed(WHOLE)
    payload = decode(x).payload
    assert payload is not None
    for n in range(MAX_SERIES * 2):
        generations.add(x, "openai_chat", msgspec.structs.replace(payload, model=f"m{n}"))
    counts = [s for s in samples(generations) if s.name == FIRST + "_count"]
    assert len(counts) == MAX_SERIES + 1
    assert sum(s.value for s in counts) == MAX_SERIES * 2
    assert value(generations, FIRST + "_count", gen_ai_request_model="other") == MAX_SERIES


def test_names_and_units_are_opentelemetrys_where_they_are_pushed():
    data = metrics_data(counted(streamed(WHOLE)).collect(), None, None, 0, 1)  # type: ignore[arg-type]
    [scope] = data.resource_metrics[0].scope_metrics
    names = {metric.name: metric.unit for metric in scope.metrics}
    assert names.pop("outrider_stream_truncated") == ""
    assert names == {
        "gen_ai.server.time_to_first_token": "s",
        "gen_ai.server.time_per_output_token": "s",
        "gen_ai.client.token.usage": "{token}",
    }
    [point] = next(m for m in scope.metrics if m.unit == "s").data.data_points
    assert point.attributes == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m", "http.route": "/v1/chat/completions",
    }  # fmt: skip


def test_a_real_sidecar_counts_tokens_and_a_stream_that_just_ends(
    start: Any, own_origin: RawOrigin
) -> None:
    asked = json.dumps({"model": "m", "stream": True, "messages": MESSAGES}).encode()
    kind = b"Content-Type: application/json"
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    proxy: Outrider = start(own_origin.url)
    eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer")
    for last in (b"data: [DONE]\n\n", b""):
        with proxy.connect() as client:
            client.send(request(b"POST", b"/v1/chat/completions", kind, body=asked))
            stream = own_origin.take()
            stream.request()
            stream.send(head)
            client.head()
            for one in WHOLE[: -len(b"data: [DONE]\n\n")].splitlines(keepends=True):
                stream.send(chunked(one)[:-5])
                assert client.chunk() == one
            stream.send(chunked(*([last] if last else [])))
            client.chunk()
        own_origin.free(stream)
    of = {"http_route": "/v1/chat/completions"}
    eventually(lambda: proxy.metric(FIRST + "_count", **of) == 2, "both decoded")
    assert proxy.metric(TOKENS + "_sum", gen_ai_token_type="output", **of) == 10
    assert proxy.metric(EACH + "_count", gen_ai_request_model="m", **of) == 2
    assert proxy.metric(TRUNCATED, model="m", **of) == 1
    assert proxy.metric("outrider_stream_aborted_total") == 0
