"""From raw targets to labels: bounded, whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.proxy.routes import KNOWN, MAX_MODEL, MAX_ROUTE, REMEMBERED, Route, Routes


def find(target: bytes, *templates: tuple[str, str]) -> Route:
    return Routes(templates).find(target)


@pytest.mark.parametrize("template", KNOWN)
def test_paths_of_the_known_protocols_name_their_template_and_model(template):
    path = template.replace("{model}", "churn").replace("{version}", "3")
    assert find(path.encode()) == Route(template, "churn")
    assert find(path.encode() + b"?q=1/2") == Route(template, "churn")


@pytest.mark.parametrize("target", [
    b"/v1/models/a/b:predict", b"/v1/models/:predict", b"/v1/models/a:predict/", b"/v1/models",
    b"/x/v1/models/a:predict", b"/v2/models/a/infer/b", b"/v2/models//infer", b"/V1/models/a",
])  # fmt: skip
def test_what_only_resembles_a_known_path_names_no_model(target):
    assert find(target) == Route(target.decode(), "")


@pytest.mark.parametrize("one", [
    "1", "0042", "1234567890123", "7f1d2c3b-1111-2222-3333-abcdefabcdef",
    "7F1D2C3B-1111-2222-3333-ABCDEFABCDEF", "deadbeefdeadbeef", "0" * 40,
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", "sess_9Zk-aaaaaaaaaaaaaaaaa",
])  # fmt: skip
def test_ids_become_id(one):
    assert find(f"/items/{one}/detail".encode()) == Route("/items/{id}/detail", "")
    assert find(one.encode()) == Route("{id}", "")


@pytest.mark.parametrize("one", [
    "ann@example.com", "ann%40example.com", "+49 170 1234567", "%2B491701234567", "10.0.0.1",
    "4111-1111-1111-1111", "4111%201111%201111%201111", "NO9386011117947", "eyJh.eyJz.sig",
])  # fmt: skip
def test_what_looks_personal_becomes_id(one):
    assert find(f"/users/{one}/score".encode()) == Route("/users/{id}/score", "")


def test_an_address_or_a_token_is_no_models_name():
    for one in (b"ann@example.com", b"ann%40example.com", b"eyJh.eyJz.sig"):
        assert find(b"/v1/models/" + one + b":predict").model == "{id}"


@pytest.mark.parametrize("word", [
    "2026-01-02", "gpt-4o-2024-08-06", "1.2.3", "us-east-1", "ab12-cd34",
    "items", "v1", "deadbee", "my-model", "a1", "a_rather_long_name_without_digits", "",
    "deadbeef.json", "{id}", "1.5", "model-v2",
])  # fmt: skip
def test_words_stay(word):
    assert find(f"/x/{word}/y".encode()) == Route(f"/x/{word}/y", "")


def test_templates_of_ones_own_come_before_the_known_ones():
    templates = (("/v1/models/{model}:predict", "own"), ("/score/{customer}/now", ""))
    assert find(b"/v1/models/a:predict", *templates) == Route(templates[0][0], "own")
    assert find(b"/score/x/now?a", *templates) == Route(templates[1][0], "")
    assert find(b"/v2/models/a/infer", *templates).model == "a"


def test_the_model_is_the_configured_one_else_the_paths():
    templates = (("/score", "churn"), ("/by/{model}", ""))
    assert find(b"/score", *templates) == Route("/score", "churn")
    assert find(b"/by/iris", *templates) == Route("/by/{model}", "iris")
    assert find(b"/score/", *templates) == Route("/score/", "")


def test_a_templates_other_characters_are_no_pattern():
    templates = (("/a.b/(c)+", "m"),)
    assert find(b"/a.b/(c)+", *templates).model == "m"
    assert find(b"/aXb/c", *templates).model == ""


def test_an_absolute_target_is_its_path():
    assert find(b"http://model.test/v1/models/a:predict?q").model == "a"
    assert find(b"http://model.test/items/7") == Route("/items/{id}", "")
    assert find(b"http://model.test") == Route("/", "")


@pytest.mark.parametrize(
    "target", [b"*", b"/", b"//", b"/a//b", b"/%2e%2e/", b"/a#b", b"/\xff\xfe"]
)
def test_odd_targets_have_a_route(target):
    expected = target.decode("latin-1").partition("#")[0]
    assert find(target) == Route(expected, "")


targets = st.binary(max_size=400) | st.lists(
    st.sampled_from([b"/", b"v1", b"models", b":predict", b"\0", b"9" * 30, b"?", b"#", b"://"]),
    max_size=40,
).map(b"".join)


@given(targets)
@example(b"/v1/models/" + b"m" * 300 + b":predict")
@example(b"/" + b"long" * 100)
@example(b"/a\0b")
@example(b"/v1/models/a\0b:predict")
def test_labels_are_bounded_and_have_nothing_that_parts_a_key(target):
    route, model = find(target)
    assert len(route) <= MAX_ROUTE
    assert len(model) <= MAX_MODEL
    assert "\0" not in route + model
    assert "?" not in route


def test_a_configured_template_and_model_are_cut_too():
    route, model = find(b"/" + b"t" * 300, ("/" + "t" * 300, "m" * 300))
    assert (len(route), len(model)) == (MAX_ROUTE, MAX_MODEL)


def test_the_query_is_no_part_of_what_is_remembered():
    routes = Routes()
    for n in range(3):
        assert routes.find(b"/a/7?q=%d" % n) is routes.find(b"/a/7")


def test_the_memory_is_bounded_and_answers_stay_right_past_it(monkeypatch):
    monkeypatch.setattr("agent.proxy.routes.REMEMBERED", 8)
    routes = Routes()
    for n in range(100):
        assert routes.find(b"/v1/models/m%d:predict" % n).model == f"m{n}"
        assert len(routes._memory) <= 8
    assert REMEMBERED <= 10_000


def test_long_paths_cannot_fill_the_memory():
    routes = Routes()
    for n in range(50):
        assert len(routes.find(b"/%d/" % n + b"x" * 60_000).route) <= MAX_ROUTE
    assert sum(map(len, routes._memory)) <= REMEMBERED


def test_a_template_of_everything_names_no_route():
    said = ("/{+rest}", "iris"), ("/score", ""), ("/files/{+path}", "")
    assert find(b"/v1/models/m:predict", *said) == Route("/v1/models/{model}:predict", "m")
    assert find(b"/score?x", *said) == Route("/score", "iris")
    assert find(b"/files/a/b", *said) == Route("/files/{+path}", "iris")
    assert find(b"/a/17", *said) == Route("/a/{id}", "iris")
    assert find(b"/a/17", ("/{+rest}", "")) == Route("/a/{id}", "")
