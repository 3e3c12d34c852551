"""Answers of status 200 that are failures, and such as only look like one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.failures import failure
from agent.decode.registry import decode
from tests.decode.test_registry import exchange

FAILURES = [
    ({"error": "CUDA out of memory"}, "error"),
    ({"error": {"message": "overloaded", "type": "server_error", "code": None}}, "error"),
    ({"error": True, "message": "no such model"}, "error"),
    ({"error": "x", "predictions": None}, "error"),
    ({"error": "x", "predictions": []}, "error"),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),
    ({"data": None, "errors": [{"message": "no field", "path": ["a"]}]}, "errors"),
    ({"errors": {"age": ["is missing"]}}, "errors"),
    ({"detail": "model is not loaded"}, "detail"),
    ({"detail": [{"loc": ["body", "age"], "msg": "field required", "type": "missing"}]}, "detail"),
    ({"type": "about:blank", "title": "Internal Server Error", "status": 500}, "status"),
    ({"title": "Out of credit", "status": 403, "detail": "30 left", "instance": "/a"}, "status"),
    ({"code": 500, "message": "boom"}, "code"),
    ({"statusCode": "503", "message": "try again"}, "statusCode"),
    ({"code": "INTERNAL_ERROR", "message": "boom"}, "code"),
    ({"status": "error"}, "status"),
    ({"status": "failed", "message": "timed out", "request_id": "7"}, "status"),
    ({"success": False, "reason": "no features"}, "success"),
    ({"errorMessage": "division by zero", "errorType": "ZeroDivisionError"}, "errorMessage"),
    ({"fault": {"faultstring": "no target", "detail": {"errorcode": "a.b"}}}, "fault"),
    ({"traceback": "Traceback (most recent call last): …"}, "traceback"),
    ({"predictions": {"error": "boom"}}, "predictions.error"),
    ({"predictions": [{"error": "a"}, {"error": "b"}]}, "predictions.error"),
    ([{"error": "a"}], "error"),
]

NONE = [
    {"error": 0.031},
    {"error": "0.031"},
    {"error": None},
    {"error": False},
    {"error": ""},
    {"error": "none", "message": "ok"},
    {"errors": []},
    {"errors": [0.1, 0.2]},
    {"error": {"mse": 0.1, "mae": 0.2}},
    {"error": "timeout", "probability": 0.9},
    {"predictions": [0.1], "error": "a warning"},
    {"predictions": [{"error": "a"}, {"value": 1.0}]},
    {"predictions": [{"error": 0.1}, {"error": 0.2}]},
    {"message": "a sunny day"},
    {"message": "ok", "code": 0},
    {"message": "ok", "code": 200, "status": "success"},
    {"message": "1 of 2", "status": 2},
    {"code": 450, "message": ""},
    {"status": "failed"},
    {"status": "failed", "probability": 0.9},
    {"state": "error"},
    {"success": False},
    {"success": False, "probability": 0.2, "reason": "late payer"},
    {"detail": 0.5},
    {"detail": "0.5"},
    {"detail": {"a": 1}},
    {"title": "The Trial", "description": "a novel", "id": 7},
    {"code": "J45.9", "description": "Asthma"},
    {"exception": False},
    {"fault": 0},
    {"fault": "inner race"},
    {"predictions": [{"fault": "outer race"}, {"fault": "ball"}]},
    {"error_type": "grammar", "model": "m"},
    {"a": {"b": {"error": "too deep to be the answer"}}},
    {"label": "error", "score": 0.9},
    {},
    [],
    [[]],
    0.5,
    None,
]


@pytest.mark.parametrize(("document", "key"), FAILURES)
def test_a_failure_is_told_by_the_member_that_says_it(document: object, key: str) -> None:
    assert failure(document) == key


@pytest.mark.parametrize("document", NONE)
def test_a_prediction_is_no_failure(document: object) -> None:
    assert failure(document) == ""


@pytest.mark.parametrize(
    "request_", [{"instances": [{"a": 1}]}, {"a": 1}, {"dataframe_records": [{"a": 1}]}]
)
def test_a_failure_has_no_outputs(request_: object) -> None:
    found = decode(exchange(request_, {"error": "out of memory"}))
    assert found.outcome == "inputs_only"
    assert found.payload is not None
    assert (found.payload.failure, found.payload.outputs) == ("error", {})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from(["error", "detail", "code", "status", "message"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_will_do(document: object) -> None:
    assert isinstance(failure(document), str)
    assert msgspec.json.encode(failure(document))
