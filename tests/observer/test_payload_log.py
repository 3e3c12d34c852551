"""`input` and `output` of a log record: what of a body is shown, and how much."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.exchange import Exchange
from agent.observer.payload_log import CUT, PayloadLog
from agent.observer.redact import Redactor
from agent.settings.redaction import Redact, RedactRule
from agent.settings.selectors import JsonPath
from tests.signals.factory import USUAL

MAIL = "ann@example.com"
FORM = b"application/x-www-form-urlencoded"


def exchange(body: bytes, kind: bytes = b"application/json", **changed: Any) -> Exchange:
    return USUAL._replace(
        request_body=(body, b"", 0), request_size=len(body), response_size=0,
        request_fields=[(b"Content-Type", kind)], **changed,
    )  # fmt: skip


def shown(body: object, *rules: dict[str, Any], limit: int = 4096) -> str:
    redactor = Redactor(Redact(rules=tuple(RedactRule(**rule) for rule in rules)), b"k" * 16)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = PayloadLog(redactor, limit)(exchange(data))
    assert made is not None
    return made["input"]


def test_json_is_shown_compact_and_in_its_order():
    body = {"b": [1, 2.5, True, None, "ü\n"], "a": {"c": {}}, "d": [], "e": -0.0, "f": 10**30}
    assert shown(body) == json.dumps(body, separators=(",", ":"), ensure_ascii=False).replace(
        "\\n", "\\n"
    )


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"a=1&m=a@b.example", FORM, FORM.decode() + ", 17 bytes"),
        (b"secret words", b"Text/Plain; charset=utf-8", "text/plain, 12 bytes"),
        (b"\x93NUMPY\x01", b"application/octet-stream", "application/octet-stream, 7 bytes"),
        (b"{broken", b"application/json", "application/json, 7 bytes"),
        (b'{"a":1}\n{"b":2}', b"application/x-ndjson", "application/x-ndjson, 15 bytes"),
        (b"\xff", b"", "unknown kind, 1 bytes"),
        (b"\xff", b"ann@example.com/x", "unknown kind, 1 bytes"),
        (b"\xff", b"text/4111111111111111", "text/REDACTED, 1 bytes"),
    ],
)  # fmt: skip
def test_other_bodies_are_shown_by_kind_and_size(body, kind, text):
    made = PayloadLog(Redactor(Redact(), b""), 4096)(exchange(body, kind))
    assert made == {"input": text}


def test_a_body_in_a_coding_is_shown_unpacked_and_a_bomb_by_its_size():
    fields = [(b"content-encoding", b"gzip"), (b"content-type", b"application/json")]
    log = PayloadLog(Redactor(Redact(), b""), 4096)
    good, bomb = gzip.compress(b'{"a":1}'), gzip.compress(b"[" * 50_000_000, 1)
    x = exchange(good)._replace(request_fields=fields)
    assert log(x) == {"input": '{"a":1}'}
    x = exchange(bomb)._replace(request_fields=fields)
    assert log(x) == {"input": f"application/json, {len(bomb)} bytes"}


def test_a_copy_with_a_gap_is_shown_by_its_size_and_none_that_was_not_made():
    log = PayloadLog(Redactor(Redact(), b""), 4096)
    x = exchange(b"{}")._replace(request_body=(b'{"a', b"}", 100), request_size=105)
    assert log(x) == {"input": "application/json, 105 bytes"}
    for why in ("unsampled", "budget", "off"):
        assert log(exchange(b"{}", capture=why)) is None
    assert log(exchange(b"")) == {}


def test_both_sides_are_shown_whatever_the_status():
    x = exchange(b'{"a":1}', status=500)._replace(response_body=(b'"no"', b"", 0), response_size=4)
    assert PayloadLog(Redactor(Redact(), b""), 64)(x) == {"input": '{"a":1}', "output": '"no"'}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"a": {"b": [MAIL]}}, '{"a":{"b":["REDACTED"]}}'),
        ({MAIL: 1}, '{"REDACTED":1}'),
        ({"n": 4111111111111111}, '{"n":"REDACTED"}'),
        ([4111111111111111.0, 4111111111111112], '["REDACTED",4111111111111112]'),
        ({"password": "p", "max_tokens": 5}, '{"password":"REDACTED","max_tokens":5}'),
        ({"api_key": "k", "token": 5}, '{"api_key":"REDACTED","token":5}'),
        ({"token": "t", "author": "A"}, '{"token":"REDACTED","author":"A"}'),
        ({"t": json.dumps({"mail": MAIL})}, r'{"t":"{\"mail\": \"REDACTED\"}"}'),
    ],
)  # fmt: skip
def test_patterns_and_names_hide_what_is_personal_or_secret(body, text):
    assert shown(body) == text


ROWS = {"user": {"name": "Ann", "age": 39}, "rows": [{"name": "B", "x": [1]}, {"name": None}]}
HIDDEN = "REDACTED"


@pytest.mark.parametrize(
    ("path", "user", "row"),
    [
        ("$.user.name", {"name": HIDDEN, "age": 39}, {"name": "B", "x": [1]}),
        ("$..name", {"name": HIDDEN, "age": 39}, {"name": HIDDEN, "x": [1]}),
        ("$.rows[*].name", {"name": "Ann", "age": 39}, {"name": HIDDEN, "x": [1]}),
        ("$.rows[0]", {"name": "Ann", "age": 39}, {"name": HIDDEN, "x": [HIDDEN]}),
        ("$..x", {"name": "Ann", "age": 39}, {"name": "B", "x": [HIDDEN]}),
        ("$..rows..name", {"name": "Ann", "age": 39}, {"name": HIDDEN, "x": [1]}),
        ("$.user.*", {"name": HIDDEN, "age": HIDDEN}, {"name": "B", "x": [1]}),
        ("$.name", {"name": "Ann", "age": 39}, {"name": "B", "x": [1]}),
    ],
)
def test_a_path_hides_all_that_is_below_it(path, user, row):
    told = json.loads(shown(ROWS, {"path": JsonPath(path)}))
    assert told == {"user": user, "rows": [row, {"name": None}]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"instances": [{"ssn": 1, "b": 2}]}, '{"instances":[{"ssn":"REDACTED","b":2}]}'),
        ({"inputs": {"ssn": [1, 2]}}, '{"inputs":{"ssn":["REDACTED","REDACTED"]}}'),
        (
            {"inputs": [{"name": "ssn", "data": [[1], [2]]}]},
            '{"inputs":[{"name":"ssn","data":[["REDACTED"],["REDACTED"]]}]}',
        ),
        (
            {"s": {"columns": ["b", "ssn"], "data": [[1, 2], [3, 4]]}},
            '{"s":{"columns":["b","ssn"],"data":[[1,"REDACTED"],[3,"REDACTED"]]}}',
        ),
    ],
)
def test_a_column_is_hidden_in_every_form_that_names_it(body, text):
    assert shown(body, {"column": "ssn"}) == text


def test_equal_values_have_equal_hashes():
    told = json.loads(shown([{"id": 7}, {"id": 7}, {"id": 8}], {"column": "id", "do": "hash"}))
    assert told[0] == told[1] != told[2]
    assert told[0]["id"].startswith("#")


def test_a_long_body_is_cut_and_marked():
    body = {"rows": list(range(10_000))}
    size = len(json.dumps(body))
    text = shown(body, limit=100)
    head, mark = text[:100], text[100:]
    assert json.dumps(body, separators=(",", ":")).startswith(head)
    assert mark == f"{CUT} ({size} bytes in all)"


@pytest.mark.parametrize("at", [*range(0, 130, 7), 300, 340, 350, 355, 500])
def test_nothing_that_a_cut_goes_through_is_shown_in_part(at):
    for secret in (MAIL, "4111111111111111", "Bearer " + "aB3" * 300):
        text = shown({"t": "x " * (at // 2) + secret + " y" * 2000}, limit=100)
        assert not any(secret[n : n + 6] in text for n in range(len(secret) - 6))
        assert len(text) < 140


def test_a_wide_character_is_not_cut_in_two():
    assert shown(["é" * 1000], limit=100).startswith('["' + "é" * 49 + CUT)


def test_deep_nesting_is_shown_to_a_depth():
    text = shown(b"[" * 900 + b"]" * 900)
    assert CUT in text
    assert len(text) < 200
    assert shown(b"[" * 9000 + b"]" * 9000) == "application/json, 18000 bytes"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(MAIL)
documents = st.recursive(
    scalars, lambda d: st.lists(d) | st.dictionaries(st.text() | st.just("data"), d), max_leaves=30
)
RULES = (
    {"path": JsonPath("$..data[*]..a"), "do": "hash"}, {"column": "columns"}, {"column": "name"},
)  # fmt: skip


@given(documents, st.integers(64, 300))
def test_any_document_is_shown_within_the_bound(document, limit):
    text = shown(document, *RULES, limit=limit)
    assert MAIL not in text
    assert len(text.encode()) <= limit + 40
    if CUT not in text:
        json.loads(text)


@given(st.binary(max_size=300), st.integers(64, 300))
def test_any_bytes_are_shown_within_the_bound(body, limit):
    made = PayloadLog(Redactor(Redact(), b""), limit)(exchange(body))
    assert made is not None
    assert all(len(text.encode()) <= limit + 40 for text in made.values())
