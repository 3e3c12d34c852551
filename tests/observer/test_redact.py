"""What leaves the choke point: targets, fields, names; and what is counted of the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import Payload
from agent.exchange import field
from agent.observer.redact import MAX_TARGET, Redactor
from agent.observer.redactions import RedactionCollector
from agent.settings.redaction import ALWAYS, Redact, RedactRule
from agent.settings.selectors import Regex
from tests.signals.factory import USUAL

KEY = b"k" * 16
MAIL, CARD, JWT = "ann@example.com", "4111111111111111", "eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.sig"


def redactor(*rules: dict[str, Any], key: bytes = KEY) -> Redactor:
    return Redactor(Redact(rules=tuple(RedactRule(**rule) for rule in rules)), key)


def target(given: bytes, *rules: dict[str, Any]) -> bytes:
    return redactor(*rules).exchange(USUAL._replace(target=given)).target


def test_a_request_with_nothing_to_hide_is_the_same_object():
    one = redactor()
    assert one.exchange(USUAL) is USUAL
    assert not one.counts


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (b"/users/ann@example.com/score", b"/users/REDACTED/score"),
        (b"/users/ann%40example.com/score", b"/users/REDACTED/score"),
        (b"/users/ann%2540example.com", b"/users/REDACTED"),
        (b"/p/4111%201111%201111%201111", b"/p/REDACTED"),
        (b"/p?a=1&mail=ann%40example.com&b=2", b"/p?a=1&mail=REDACTED&b=2"),
        (b"/p?ann@example.com", b"/p?REDACTED"),
        (b"/p?ann@example.com=1", b"/p?REDACTED=1"),
        (b"/p?card=4111+1111+1111+1111", b"/p?card=REDACTED"),
        (b"/p?to=%2B491701234567;x=1", b"/p?to=REDACTED;x=1"),
        (b"/p?h=Bearer+abcdefghijklmnop", b"/p?h=REDACTED"),
        (b"/p?api_key=a", b"/p?api_key=REDACTED"),
        (b"/p?next=http%3A%2F%2Fu%3Ap%40h%2F", b"/p?next=http://REDACTEDh/"),
        (b"http://u:p@host/p?q=" + JWT.encode(), b"/p?q=REDACTED"),
        (b"/p%zz?q=%", b"/p%zz?q=%"),
        (b"/v1/models/\xff\xfe:predict?\x80=%ff", b"/v1/models/\xff\xfe:predict?\x80=%ff"),
        (b"*", b"*"),
        (b"", b""),
    ],
)
def test_a_target_shows_neither_personal_data_nor_credentials(given, shown):
    assert target(given) == shown


def test_of_a_long_target_only_the_beginning_is_shown():
    assert len(target(b"/" + b"a" * 60_000)) == MAX_TARGET


def test_route_model_and_the_fields_that_spans_show_are_redacted():
    x = redactor().exchange(
        USUAL._replace(
            route=f"/users/{MAIL}",
            model=MAIL,
            request_fields=[(b"User-Agent", b"bot ann@example.com"), (b"X-A", b"ann@example.com"),
                            (b"HOST", b"10.0.0.1:80")],
        )
    )  # fmt: skip
    assert (x.route, x.model) == ("/users/REDACTED", "REDACTED")
    assert x.request_fields == [(b"user-agent", b"bot REDACTED"), (b"host", b"10.0.0.1:80")]


def test_what_is_remembered_is_counted_each_time():
    one = redactor()
    x = USUAL._replace(target=b"/p?token=a&m=ann@example.com")
    for _ in range(3):
        one.exchange(x)
    assert one.counts == {"credential": 3, "email": 3}
    [family] = RedactionCollector(one.counts).collect()
    assert {s.labels["rule"]: s.value for s in family.samples} == {"credential": 3, "email": 3}
    assert family.samples[0].name == "outrider_redactions_total"


@pytest.mark.parametrize("name", sorted(ALWAYS))
def test_these_fields_are_always_hidden(name):
    assert redactor().header(name, b"anything") == b"REDACTED"
    hashed = redactor({"header": name.decode().title(), "do": "hash"}).header(name, b"anything")
    assert hashed.startswith(b"#")
    assert b"anything" not in hashed


def test_a_rule_for_a_field_and_for_the_clients_address():
    one = redactor({"header": "User-Agent", "name": "agent"}, {"header": "client.address"})
    x = one.exchange(USUAL)
    assert field(x.request_fields, b"user-agent") == b"REDACTED"
    assert x.client == "REDACTED"
    assert one.counts == {"agent": 1, "client.address": 1}


def test_a_rule_for_a_column_hides_the_parameter_of_that_name():
    assert target(b"/p?n%61me=Ann&b=1", {"column": "name"}) == b"/p?n%61me=REDACTED&b=1"


def test_patterns_of_ones_own_and_what_becomes_of_those_built_in():
    rules = (
        {"pattern": Regex(r"EMP-\d{6}"), "name": "employee"},
        {"built_in": "email", "do": "hash"},
        {"built_in": "ip", "do": "keep"},
    )
    one = redactor(*rules)
    text = one.text(f"EMP-123456 {MAIL} 10.0.0.1 {CARD}")
    assert text.startswith("REDACTED #")
    assert text.endswith(" 10.0.0.1 REDACTED")
    assert one.counts == {"employee": 1, "email": 1, "card": 1}
    assert set(one.counts) < set(one.rules)


def test_a_hash_is_equal_for_equal_values_under_one_key_only():
    rule = {"built_in": "email", "do": "hash"}
    same, other = redactor(rule), redactor(rule, key=b"o" * 16)
    hashed = redactor(rule).text(MAIL)
    assert same.text(f"{MAIL} {MAIL}") == f"{hashed} {hashed}"
    assert other.text(MAIL) != hashed
    assert same.text("bob@example.com") != hashed
    assert len(hashed) == 17


def payload(**changed: Any) -> Payload:
    whole = Payload("m", "1", "", {"age": [1]}, {"y": [0.5]}, 1, 1, 0)
    return msgspec.structs.replace(whole, **changed)


def test_a_payload_whose_names_are_plain_is_the_same_object():
    one = redactor()
    one.payload(payload())
    plain = payload()
    assert one.payload(plain) is plain


def test_names_of_models_versions_and_columns_are_redacted_and_what_falls_together_is_counted():
    one = redactor()
    for _ in range(2):
        shown = one.payload(
            payload(model=MAIL, version=JWT, inputs={MAIL: [1], "b@example.com": [2], "age": [3]})
        )
        assert (shown.model, shown.version) == ("REDACTED", "REDACTED")
        assert shown.inputs == {"REDACTED": [2], "age": [3]}
        assert shown.left_out == 1


@pytest.mark.parametrize("version", ["1.2.3.4", "4111111111111111", "2026-11-29", "555-123-4567"])
def test_a_version_may_look_like_a_number_of_people(version):
    one = redactor()
    assert one.payload(payload(version=version)).version == version
    assert one.title(version) is version
    assert one.name("4111111111111111") == "REDACTED"


def test_a_tracestate_with_something_to_hide_is_left_out():
    one = redactor()
    assert USUAL.trace is not None
    for state, shown in ((b"a=1", b"a=1"), (b"a=1,b=ann@example.com", b"")):
        x = one.exchange(USUAL._replace(trace=(*USUAL.trace[:4], state)))
        assert x.trace == (*USUAL.trace[:4], shown)
    assert one.counts == {"email": 1}


def test_a_page_is_the_same_but_for_what_is_hidden():
    page = {"route": f"/{MAIL}", "keys": [MAIL, "age", 7, None], "n": {MAIL: 1.5}}
    assert redactor().page(page) == {
        "route": "/REDACTED", "keys": ["REDACTED", "age", 7, None], "n": {"REDACTED": 1.5},
    }  # fmt: skip


any_bytes = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"/", b"?", b"&", b"=", b"%40", b"@", b"a.b", b"%", b"+", b"\xff", b"1" * 16])
).map(b"".join)


@given(any_bytes, any_bytes, st.text(max_size=50))
def test_any_request_is_shown_and_never_much_longer(target, agent, name):
    one = redactor({"column": "a", "do": "hash"}, {"built_in": "email", "do": "hash"})
    x = USUAL._replace(target=target, request_fields=[(b"user-agent", agent)], model=name)
    for _ in range(2):
        shown = one.exchange(x)
        assert len(shown.target) <= 20 * len(target) + 20
        assert len(field(shown.request_fields, b"user-agent") or b"") <= 20 * len(agent)
    one.name(name)
    one.header(b"cookie", agent)
