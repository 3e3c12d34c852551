"""Language models' requests and answers: recorded forms, streams that are cut, and any bytes."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decode.bodies.events import MAX_EVENTS, MOST_DAMAGED, events_of
from agent.decode.bodies.message import Message
from agent.decode.llm import texts, wording
from agent.decode.llm.parts import MAX_PARTS
from agent.decode.payload import Decoded, Payload, Refused
from agent.decode.registry import DIALECTS, decode
from tests.decode.corpus import cases, recorded
from tests.decode.test_registry import check, columns, exchange

CASES = cases("llm*.jsonl")
SSE = [(b"Content-Type", b"text/event-stream; charset=utf-8")]
LINES = [(b"Content-Type", b"application/x-ndjson")]
HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
CHAT = b"/v1/chat/completions"


def streamed(raw: bytes, gap: tuple[int, int] | None = None, **more: object) -> Decoded:
    """A chat whose answer is these events; `gap`: what of them was not captured."""
    made = exchange(HELLO | {"stream": True}, raw, target=CHAT)._replace(response_fields=SSE)
    if gap is not None:
        body = (raw[: gap[0]], raw[gap[1] :], gap[1] - gap[0])
        made = made._replace(response_body=body)
    return decode(made._replace(**more))


def chunk(text: str = "", /, **choice: object) -> bytes:
    delta = {"content": text} if text else {}
    found = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, **choice}]}
    return b"data: " + json.dumps(found).encode() + b"\n\n"


def outputs(found: Decoded) -> dict[str, object]:
    assert found.payload is not None
    return {name: values[0] for name, values in found.payload.outputs.items()}


def everything(payload: Payload) -> str:
    return repr((payload.inputs, payload.outputs))


@pytest.mark.parametrize("case", CASES, ids=[case["source"].split("/")[-1] for case in CASES])
def test_recorded_and_documented_payloads(case):
    found = decode(recorded(case))
    assert (found.dialect, found.outcome) == (case["dialect"], "ok")
    payload = found.payload
    assert (payload.model, payload.version) == (case["model"], case["version"])
    for side, expected in ((payload.inputs, case["inputs"]), (payload.outputs, case["outputs"])):
        named = columns(side)
        assert named.keys() == expected.keys()
        for name, values in expected.items():
            assert named[name] == pytest.approx(values)
    check(payload)


def test_each_dialect_is_in_the_corpus_and_no_text_is_kept():
    of_models = {one.NAME for one in DIALECTS if one.__name__.startswith("agent.decode.llm")}
    assert {case["dialect"] for case in CASES} == of_models
    for case in CASES:
        kept = everything(decode(recorded(case)).payload)
        for secret in ("Hello", "unicorn", "Claude.", "weather", "sky", "food"):
            assert secret not in kept


@pytest.mark.parametrize("ends", [b"\r\n", b"\r"])
def test_any_of_the_three_line_ends(ends):
    cases = [case for case in CASES if isinstance(case["response"], str)]
    assert len(cases) > 8
    for case in cases:
        raw = case["response"].encode().replace(b"\n", ends)
        assert decode(recorded(case, raw)) == decode(recorded(case))


def test_comments_and_an_event_of_several_lines():
    raw = b": hello\n\nid: 7\nretry: 10\n" + chunk("a").replace(b', "', b',\ndata: "')
    assert raw.count(b"data:") > 2
    assert outputs(streamed(raw + b"data:[DONE]\n\n"))["answer.characters"] == 1


# ---- streams that are not whole


def test_a_long_stream_is_known_by_its_beginning_and_its_end():
    begin = chunk("I cannot help with that.") + chunk(" More") * 50
    usage = {"prompt_tokens": 3, "completion_tokens": 99, "total_tokens": 102}
    end = chunk("x") * 50 + chunk(finish_reason="length")
    end += b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    raw = begin + chunk("lost") * 50 + end + b"data: [DONE]\n\n"
    for first in range(len(begin) - 130, len(begin) + 130, 7):
        found = streamed(raw, (first, len(raw) - len(end)))
        assert (found.dialect, found.outcome) == ("openai_chat", "ok")
        assert outputs(found) == {
            "finish_reason": "length",
            "answer.empty": False,
            "answer.refusal": True,
            "tokens.prompt": 3,
            "tokens.completion": 99,
            "tokens.total": 102,
            "stream.truncated": False,
        }


def test_the_last_event_of_each_api_is_found_behind_a_gap():
    for case in CASES:
        if not isinstance(case["response"], str) or "beginning" in case["source"]:
            continue
        raw = case["response"].encode()
        at = raw.index(b"\n\n" if "event" in case["response_type"] else b"\n")
        body = (raw[: at + 1], raw[at:], 1)
        found = outputs(decode(recorded(case)._replace(response_body=body)))
        kept = ("finish_reason", "stream.truncated", "tokens.completion", "tokens.prompt")
        expected = {name: case["outputs"].get(name) for name in kept}
        assert {name: [found[name]] if name in found else None for name in kept} == expected
        assert "stream.chunks" not in found


def test_of_what_is_missing_nothing_is_said():
    """Neither that it was no refusal, nor that there was no text."""
    begin, end = chunk(), chunk(finish_reason="stop") + b"data: [DONE]\n\n"
    found = outputs(streamed(b"", response_body=(begin, b"\n" + end, 9)))
    assert found == {"finish_reason": "stop", "stream.truncated": False}
    said = outputs(streamed(b"", response_body=(begin, b"\n" + chunk("x") + end, 9)))
    assert said == {**found, "answer.empty": False}


def test_what_a_gap_cuts_is_no_event_whatever_it_looks_like():
    forged = chunk(finish_reason="forged")
    for lines in (b"\n", b"\r"):
        body = (chunk("a") + forged[:-2], forged + chunk(finish_reason="stop"), 9)
        head, tail = (part.replace(b"\n", lines) for part in body[:2])
        found = outputs(streamed(b"", response_body=(head, tail, 9)))
        assert found["finish_reason"] == "stop"
        only = outputs(streamed(b"", response_body=(head, forged.replace(b"\n", lines), 9)))
        assert "finish_reason" not in only


def test_a_stream_that_did_not_end_is_truncated():
    assert outputs(streamed(chunk("a") + chunk("b", finish_reason="stop")))["stream.truncated"]
    cut = (chunk("a") + chunk("b"))[:-20]
    assert outputs(streamed(cut))["stream.chunks"] == 1
    body = (chunk("a"), b"x" * 5000, 9)
    assert outputs(streamed(b"", response_body=body))["stream.truncated"]


def test_a_model_that_fails_in_the_middle_says_so():
    found = outputs(streamed(chunk("a") + b'data: {"error": {"message": "out of memory"}}\n\n'))
    assert (found["finish_reason"], found["stream.truncated"]) == ("error", True)


@pytest.mark.parametrize(
    "ended", [{"status": 499, "error": "client_abort"}, {"status": 200, "error": "upstream_reset"}]
)
def test_a_stream_cut_off_by_either_side_was_scored_if_an_event_came(ended):
    found = streamed(chunk("a"), **ended)
    assert (found.outcome, found.payload.rows) == ("ok", 1)
    assert outputs(found)["stream.truncated"]
    for nothing in (b"", b": wait\n\n", b"data: {\n\n", b'data: {"some": "thing"}\n\n'):
        assert streamed(nothing, **ended).outcome == "error_status"
    whole = exchange(HELLO, {"choices": [{"index": 0}]}, target=CHAT, **ended)
    assert decode(whole).outcome == "error_status"
    other = exchange({"age": 4}, chunk("a"), **ended)._replace(response_fields=SSE)
    assert decode(other).outcome == "error_status"


def test_lines_that_are_rows_are_not_read_in_part():
    """A row would be paired with another's answer."""
    made = exchange([{"a": 1}, {"a": 2}], b"")._replace(response_fields=LINES)
    found = decode(made._replace(response_body=(b'{"y": 1}\n', b'{"y": 2}\n', 9)))
    assert (found.outcome, found.payload.outputs) == ("inputs_only", {})


def test_a_refused_request_is_not_decoded_even_if_its_error_is_an_event():
    assert streamed(chunk("a"), status=503).outcome == "error_status"


# ---- what is told apart


@pytest.mark.parametrize(
    ("request_", "target", "dialect"),
    [
        (HELLO, "/my/own/path", "openai_chat"),
        ({"messages": HELLO["messages"]}, "/predict", "tabular"),
        ({"messages": HELLO["messages"]}, "/v1/chat/completions", "openai_chat"),
        (HELLO | {"model": None, "max_tokens": 4}, "/invocations", "openai_chat"),
        ({"messages": [], "model": "m"}, "/predict", "tabular"),
        ({"messages": [1], "model": "m"}, "/predict", "tabular"),
        ({"model": "m", "prompt": "p"}, "/predict", "tabular"),
        ({"model": "m", "prompt": "p", "max_tokens": 4}, "/predict", "openai_completions"),
        ({"model": "m", "input": "p"}, "/predict", "tabular"),
        ({"model": "m", "input": "p", "dimensions": 4}, "/", "openai_embeddings"),
        ({"model": "m", "input": "p", "instructions": "i"}, "/", "openai_responses"),
        ({"model": "m", "input": [[1, 2]]}, "/predict", "tabular"),
        ({"inputs": [[1, 2]], "model": "m"}, "/v1/embeddings", "kserve_v1"),
        ({"instances": [[1]], "messages": HELLO["messages"], "model": "m"}, "/", "kserve_v1"),
        ({"model": "m", "messages": HELLO["messages"]}, "/api/chat", "ollama"),
        ({"model": "m", "prompt": "p", "stream": True}, "/api/generate", "ollama"),
        ({"age": 4, "model": "m"}, "/api/generate", "tabular"),
        ({"age": 4, "model": "m"}, "/v1/messages", "tabular"),
        ({"model": "m", "input": "p"}, "/api/embed", "ollama_embed"),
        ({"model": "m", "prompt": "p"}, "/api/embeddings", "ollama_embed"),
        ({"model": "m", "input": "p"}, "/api/embeddings", "openai_embeddings"),
        ({"input": "p"}, "/api/embed", "tabular"),
        ({"inputs": "p"}, "/generate_stream", "tgi"),
        ({"inputs": "p", "parameters": {"max_new_tokens": 4}}, "/invocations", "tgi"),
        ({"inputs": "p", "parameters": {"candidate_labels": "a, b"}}, "/", "tabular"),
        ({"inputs": "p"}, "/predict", "tabular"),
        ({"inputs": ["p"], "parameters": {"max_new_tokens": 4}}, "/generate", "kserve_v1"),
    ],
)
def test_what_a_request_is(request_, target, dialect):
    assert decode(exchange(request_, {}, target=target.encode())).dialect == dialect


def test_the_model_is_what_was_asked_for_and_the_version_what_answered():
    answer = {"model": "gpt-4o-2024-08-06", "id": "i" * 999, "choices": [{"index": 0}]}
    named = decode(exchange(HELLO | {"model": "gpt-4o"}, answer, target=CHAT)).payload
    assert (named.model, named.version, len(named.id)) == ("gpt-4o", "gpt-4o-2024-08-06", 128)
    unread = decode(exchange(HELLO | {"model": "gpt-4o"}, b"<html>", target=CHAT))
    assert (unread.outcome, unread.payload.model, unread.payload.version) == (
        "inputs_only", "gpt-4o", "")  # fmt: skip
    long = decode(exchange(HELLO | {"model": "m" * 9999}, answer, target=CHAT)).payload
    assert len(long.model) == 128


@pytest.mark.parametrize(
    ("request_", "target", "outcome"),
    [
        ({"model": "m", "messages": []}, "/api/chat", "empty"),
        ({"model": "m", "prompt": ""}, "/api/generate", "empty"),
        (HELLO, "/v1/messages/count_tokens", "unsupported"),
        ({"model": "m", "input": []}, "/v1/embeddings", "empty"),
        ({"model": "m", "input": [{"a": 1}]}, "/v1/embeddings", "unsupported"),
        ({"model": "m", "input": ["t"] * (texts.MAX_ROWS + 1)}, "/v1/embeddings", "too_large"),
        ({"model": "m", "messages": [{"role": "user"}] * (MAX_PARTS + 1)}, "/", "too_large"),
        ({"model": "m", "messages": [{"role": "u", "content": [{}] * MAX_PARTS}] * 9}, "/",
         "too_large"),
    ],
)  # fmt: skip
def test_requests_that_are_not_read(request_, target, outcome):
    made = exchange(request_, {}, target=target.encode())
    fields = [*made.request_fields, (b"anthropic-version", b"2023-06-01")]
    if "count_tokens" in target:
        made = made._replace(request_fields=fields)
    assert decode(made).outcome == outcome


def test_several_prompts_are_rows_and_the_first_choice_of_each_is_read():
    choices = [{"index": i, "text": "x" * i, "finish_reason": "stop"} for i in (3, 2, 1, 0)]
    asked = {"model": "m", "prompt": ["a b", [1, 2, 3]], "n": 2}
    found = decode(exchange(asked, {"choices": choices, "usage": {}}, target=b"/v1/completions"))
    assert columns(found.payload.inputs) == {
        "prompt.characters": [3, None],
        "prompt.words": [2, None],
        "prompt.non_ascii": [0.0, None],
        "prompt.tokens": [None, 3],
        "model": ["m", "m"],
        "stream": [False, False],
    }
    assert columns(found.payload.outputs)["answer.characters"] == [0, 2]
    assert (found.payload.rows, found.payload.output_rows) == (2, 2)
    uneven = exchange(asked, {"choices": choices[:3]}, target=b"/v1/completions")
    assert decode(uneven).outcome == "inputs_only"


@pytest.mark.parametrize(
    "vectors",
    [
        ["AAA="],
        ["AACAPw==", "AAA="],
        ["\u00e9"],
        ["AACAPw==", [1.0]],
        [None],
        [],
        [""],
        [{}, {}],
        [["text"]],
        [[[1.0]]],
        [[1.0], [1.0, 2.0]],
        [[]],
        [[True]],
    ],
)
def test_embeddings_that_are_none(vectors):
    answer = {"data": [{"embedding": vector} for vector in vectors]}
    found = decode(exchange({"model": "m", "input": "t"}, answer, target=b"/v1/embeddings"))
    assert (found.outcome, found.payload.outputs) == ("inputs_only", {})


@pytest.mark.parametrize(
    ("request_", "target", "answers"),
    [
        (
            {"model": "m", "input": "t"},
            b"/api/embed",
            [{}, {"embeddings": []}, {"embeddings": ["AAA="]}, {"embeddings": [[1.0], [True]]},
             {"embedding": {}}, {"error": "no"}, []],
        ),
        (
            {"inputs": "t"},
            b"/generate",
            [{}, {"generated_text": None}, [], [{"generated_text": "a"}] * 2, {"error": "no"}, 7],
        ),
    ],
)  # fmt: skip
def test_answers_that_are_none(request_, target, answers):
    for answer in answers:
        found = decode(exchange(request_, answer, target=target))
        assert (found.outcome, found.payload.outputs) == ("inputs_only", {})


def test_of_an_embedding_beyond_the_bound_the_first_numbers_are_kept():
    answer = {"data": [{"embedding": [0.5] * 5000}], "usage": {"prompt_tokens": 1}}
    asked = {"model": "m", "input": "t"}
    found = decode(exchange(asked, answer, target=b"/v1/embeddings")).payload
    assert (len(found.outputs), found.left_out) == (4096, 904)


# ---- texts


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("one two three four", 0.0),
        ("one two three four five six seven eight", 0.0),
        ("no no no no no no no no", 0.8),
        ("the same again and again " * 100, pytest.approx(0.99, abs=0.01)),
        (" ".join(map(str, range(9999))) + " and so on" * 300, pytest.approx(0.99, abs=0.01)),
    ],
)
def test_repetition(text, share):
    assert wording.repeated(text) == share


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("I\u2019m sorry, but I can\u2019t help with that.", True),
        ("As an AI language model I have no opinion.", True),
        ("Sure! Here is how.", False),
        ("x" * 300 + "I cannot help", False),
    ],
)
def test_refusals(text, is_one):
    assert wording.is_refusal(text) is is_one


@given(st.lists(st.text(max_size=50), max_size=5))
def test_measures_are_those_of_the_texts(parts):
    found = wording.measures(parts, "t")
    whole = "".join(parts)
    assert found["t.characters"] == len(whole)
    assert found["t.words"] == sum(len(part.split()) for part in parts)
    if whole:
        share = sum(ord(letter) > 127 for letter in whole) / len(whole)
        assert found["t.non_ascii"] == pytest.approx(share)


def test_of_a_long_text_the_length_is_exact_and_the_rest_bounded():
    found = wording.measures(["a " * wording.LOOKED_AT, "é" * 9], "t")
    assert found["t.characters"] == 2 * wording.LOOKED_AT + 9
    assert found["t.words"] == wording.LOOKED_AT // 2
    assert found["t.non_ascii"] == 0


# ---- anything


def test_chunks_are_pieces_of_text():
    empty = chunk("", text="")
    found = outputs(
        streamed(chunk("a") + empty + chunk("", delta={"content": [{"text": "b"}, {}]}))
    )
    assert (found["stream.chunks"], found["answer.characters"]) == (2, 2)


def test_floods_of_events_are_refused():
    flood = Message(b"data:{}\n" * (MAX_EVENTS + 1), SSE, CHAT)
    damaged = Message(b'data:{"a"}\n' * (MOST_DAMAGED + 1), SSE, CHAT)
    deep = Message(b"data:" + b"[" * 100_000 + b"\n", SSE, CHAT)
    for message, outcome in ((flood, "too_large"), (damaged, "malformed"), (deep, "empty")):
        with pytest.raises(Refused) as refused:
            events_of(message)
        assert refused.value.outcome == outcome


def test_deep_content_is_not_followed():
    inner = b'"secret"'
    for _ in range(400):
        inner = b'[{"type":"tool_result","content":' + inner + b"}]"
    raw = b'{"model":"m","messages":[{"role":"user","content":' + inner + b"}]}"
    assert columns(decode(exchange(raw, target=CHAT)).payload.inputs)["prompt.characters"] == [0]


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
key = st.sampled_from(
    ["content", "text", "delta", "message", "choices", "index", "finish_reason", "usage", "type",
     "prompt_tokens", "tool_calls", "output", "response", "done", "error", "id", "model", "data",
     "embedding", "messages", "role", "prompt", "input", "system", "options", "temperature",
     "tools", "refusal", "content_block", "stop_reason", "incomplete_details", "images", "stream",
     "contents", "parts", "candidates", "usageMetadata", "generationConfig", "toolConfig",
     "toolResult", "promptFeedback"]
)  # fmt: skip
tree = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=6),
    max_leaves=12,
)
TARGETS = [*sorted({case["target"].encode() for case in CASES}), b"/"]


@settings(max_examples=50)
@given(st.dictionaries(key, tree), st.lists(tree, max_size=5), st.data())
def test_any_document_in_the_place_of_another(request_, events, data):
    target = data.draw(st.sampled_from(TARGETS))
    fields, begin = data.draw(st.sampled_from([(SSE, b"data: "), (LINES, b"")]))
    raw = b"".join(begin + json.dumps(event).encode() + b"\n" for event in events)
    document = json.dumps(data.draw(st.dictionaries(key, tree))).encode()
    asked = Message(json.dumps(request_).encode(), [], target)
    for dialect in DIALECTS:
        dialect.evidence(asked)
        with suppress(Refused):
            dialect.request(asked)
        for answer in (Message(raw, fields, target), Message(document, [], target)):
            with suppress(Refused):
                dialect.response(answer, data.draw(st.integers(1, 3)))


@given(st.sampled_from(CASES), st.data())
def test_any_damage_and_any_gap_is_an_outcome(case, data):
    made = recorded(case)
    raw = bytearray(made.response_body[0])
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
    body = (bytes(raw[:begin]), bytes(raw[end:]), end - begin)
    status = data.draw(st.sampled_from([200, 499]))
    found = decode(made._replace(response_body=body, status=status))
    assert found.outcome in ("ok", "inputs_only", "error_status")
    check(found.payload)
