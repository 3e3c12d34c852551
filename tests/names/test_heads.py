"""Models and versions that only header fields name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode import heads, together
from agent.decode.payload import MAX_NAME
from agent.decode.registry import decode
from agent.exchange import Exchange
from tests.observer.outlets import body
from tests.signals.factory import USUAL

ROW = {"instances": [{"age": 1.0}]}


def scored(
    target: bytes = b"/score",
    asked: list[tuple[bytes, bytes]] | None = None,
    answered: list[tuple[bytes, bytes]] | None = None,
    model: str = "",
    answer: dict[str, object] | None = None,
) -> Exchange:
    return USUAL._replace(
        target=target,
        model=model,
        request_fields=asked or [],
        response_fields=answered or [],
        request_body=body(ROW),
        response_body=body({"predictions": [0.5], **(answer or {})}),
    )


def named(exchange: Exchange) -> tuple[str, str]:
    payload = decode(exchange).payload
    assert payload is not None
    return payload.model, payload.version


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        ([], [(b"X-Model-Version", b" 7 ")], ("", "7")),
        ([], [(b"x-model-name", b"churn"), (b"x-model-version", b"7")], ("churn", "7")),
        ([(b"Seldon-Model", b"iris")], [(b"x-seldon-route", b":first_1:iris_3:")], ("iris", "3")),
        ([(b"X-Amzn-SageMaker-Target-Model", b"m.tar.gz")], [], ("m.tar.gz", "")),
        ([], [(b"x-Amzn-Invoked-Production-Variant", b"blue")], ("", "blue")),
        ([(b"serve_multiplexed_model_id", b"m2")], [], ("m2", "")),
        ([(b"azureml-model-deployment", b"green")], [], ("green", "")),
        ([(b"x-model-version", b"7")], [], ("", "")),  # what a client wants is not what answered
        ([(b"x-model-name", b"asked")], [(b"x-model-name", b"answered")], ("answered", "")),
        ([], [(b"x-seldon-route", b"nonsense")], ("", "")),
        ([], [(b"x-model-version", b"")], ("", "")),
    ],
    ids=str,
)
def test_what_fields_name(asked, answered, expected):
    exchange = scored(asked=asked, answered=answered)
    assert named(exchange) == expected
    together_ = together.decode([exchange] * 4)
    assert together_ is not None
    assert (together_.model, together_.version) == expected


def test_body_and_path_go_before_fields_where_they_say_more():
    fields = [(b"x-model-version", b"7"), (b"x-model-name", b"other")]
    path = b"/v1/models/churn/versions/3:predict"
    assert named(scored(path, answered=fields, model="churn")) == ("churn", "7"), (
        "the answer's word"
    )
    told = scored(path, answered=fields, model="churn", answer={"model_version": "9"})
    assert named(told) == ("churn", "9")


def test_answers_of_two_versions_are_not_decoded_together():
    one, two = (scored(answered=[(b"x-model-version", v)]) for v in (b"1", b"2"))
    assert together.decode([one, one, two, two]) is None
    some = [scored(asked=[(b"seldon-model", name)]) for name in (b"a", b"a", b"b", b"b")]
    assert together.decode(some) is None


names = st.sampled_from([*heads.MODELS, *heads.VERSIONS, b"x-seldon-route", b"Date"])
fields = st.lists(st.tuples(names, st.binary(max_size=600)), max_size=6)


@given(fields, fields)
def test_any_fields_name_something_bounded(asked, answered):
    assert len(heads.version(answered)) <= MAX_NAME
    assert len(heads.model(asked, answered)) <= MAX_NAME
