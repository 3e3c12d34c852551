"""Lines made directly are the lines that logging would have written."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonjsonlogger.json import JsonFormatter
from pythonjsonlogger.msgspec import MsgspecFormatter

from agent.exchange import ABSENT, Exchange
from agent.signals import selflog
from agent.signals.logs import LogFormatter, level_of
from tests.signals.factory import USUAL

CASES = [
    USUAL,
    USUAL._replace(trace=None, model="", upstream=ABSENT, status=404),
    USUAL._replace(error="upstream_timeout", status=504),
    USUAL._replace(target=b'/\xe9\x00"\\?secret=1', client="::1"),
]


def through_logging(x: Exchange, formatter: logging.Formatter) -> str:
    """The same fields, by a logger, a handler and the library's own formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("plain")
    logger.addHandler(handler)
    logger.info(LogFormatter("svc").fields(x, level_of(x), "kserve_v1"))
    return stream.getvalue()


@pytest.mark.parametrize("x", CASES)
def test_line_is_what_logging_writes(x: Exchange) -> None:
    [line] = LogFormatter("svc").lines([x], ["kserve_v1"])
    assert line.decode() + "\n" == through_logging(x, MsgspecFormatter([]))
    assert json.loads(line) == json.loads(through_logging(x, JsonFormatter()))


def test_fields_of_the_contract_in_their_order() -> None:
    x = USUAL._replace(error="upstream_reset")
    [line] = LogFormatter("svc").lines([x], ["kserve_v1"], [{"input": {"a": 1}, "output": [2]}])
    record = json.loads(line)
    assert list(record) == [
        "timestamp", "level", "message", "service.name", "trace_id", "span_id", "request_id",
        "http.request.method", "url.path", "http.route", "http.response.status_code",
        "duration_ms", "upstream_ms", "overhead_ms", "http.request.body.size",
        "http.response.body.size", "model", "dialect", "client.address", "error.type",
        "input", "output",
    ]  # fmt: skip
    assert record["timestamp"] == "2027-01-15T08:00:00.135956789Z"
    assert record["duration_ms"] == 12.5
    assert record["trace_id"] == "0102030405060708090a0b0c0d0e0f10"


def test_what_is_not_known_is_left_out() -> None:
    x = USUAL._replace(trace=None, model="", upstream=ABSENT, overhead=ABSENT)
    record = json.loads(LogFormatter("svc").lines([x])[0])
    unknown = {
        "trace_id",
        "span_id",
        "model",
        "upstream_ms",
        "overhead_ms",
        "dialect",
        "error.type",
    }
    assert not unknown & set(record)


@pytest.mark.parametrize(
    ("status", "error", "level"),
    [
        (200, "", "info"),
        (302, "", "info"),
        (404, "", "warning"),
        (500, "", "error"),
        (499, "client_abort", "error"),
        (200, "upstream_reset", "error"),
    ],
)
def test_level(status: int, error: str, level: str) -> None:
    assert level_of(USUAL._replace(status=status, error=error)) == level


def test_lines_below_the_level_are_not_made() -> None:
    batch = [USUAL, USUAL._replace(status=404), USUAL._replace(status=500)]
    formatter = LogFormatter("svc", "warning")
    found = formatter.records(batch, ["a", "b", "c"])
    assert [json.loads(line.data)["dialect"] for line in found] == ["b", "c"]


def test_labels_are_few_and_ids_are_metadata() -> None:
    [line] = LogFormatter("svc").records([USUAL])
    assert line.labels == (("service_name", "svc"), ("model", "iris"), ("level", "info"))
    assert dict(line.metadata) == {
        "trace_id": "0102030405060708090a0b0c0d0e0f10",
        "span_id": "08090a0b0c0d0e0f",
        "request_id": "01JD-4e6d.7:x",
    }
    assert line.timestamp_ns == USUAL.start_ns + 12_500_000


def test_a_model_that_is_not_known_is_no_label() -> None:
    [line] = LogFormatter("svc").records([USUAL._replace(model="")])
    assert line.labels == (("service_name", "svc"), ("level", "info"))


def test_query_is_not_logged() -> None:
    [line] = LogFormatter("svc").lines([USUAL._replace(target=b"/p?token=secret")])
    assert b"secret" not in line


@given(st.binary(max_size=100), st.binary(max_size=20), st.integers(0, 2**62))
def test_any_bytes_make_one_json_object_on_one_line(
    target: bytes, method: bytes, start_ns: int
) -> None:
    target, method = b"/" + target, b"M" + method
    x = USUAL._replace(target=target, method=method, start_ns=start_ns)
    [line] = LogFormatter("svc").lines([x])
    assert b"\n" not in line
    record = json.loads(line)
    assert record["url.path"] == target.partition(b"?")[0].decode("latin-1")
    whole, _, rest = record["timestamp"].removesuffix("Z").partition(".")
    second = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    assert int(second.timestamp()) * 10**9 + int(rest) == start_ns + 12_500_000


def test_a_request_that_could_not_be_read_has_no_word_of_its_own() -> None:
    unread = USUAL._replace(
        method=b"",
        target=b"",
        model="",
        status=400,
        error="client_protocol",
        trace=None,
        upstream=-1.0,
    )
    record = json.loads(LogFormatter("svc").lines([unread])[0])
    assert record["message"] == "unreadable request 400"
    assert record["error.type"] == "client_protocol"
    assert not {"http.request.method", "url.path", "http.route", "model"} & set(record)


def test_own_lines_have_the_same_shape() -> None:
    stream = io.StringIO()
    log = selflog.make("svc", "info", stream)
    log.debug("not shown")
    log.warning("sink %s", "away", extra={"sink": "loki", "reason": "HTTP 500"})
    record = json.loads(stream.getvalue())
    assert list(record)[:4] == ["timestamp", "level", "message", "service.name"]
    assert record["message"] == "sink away"
    assert (record["level"], record["sink"], record["service.name"]) == ("warning", "loki", "svc")
    datetime.strptime(record["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")


def test_own_log_is_made_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    selflog.make("svc", stream=first)
    selflog.make("svc", stream=second).info("hello")
    assert not first.getvalue()
    assert second.getvalue().count("\n") == 1


def test_lines_of_a_batch_are_those_of_each_alone() -> None:
    long = USUAL._replace(target=b"/" + b"p" * 5000)
    batch = [*CASES, long, *reversed(CASES), long]
    formatter = LogFormatter("svc")
    alone = [line for x in batch for line in LogFormatter("svc").lines([x], ["kserve_v1"])]
    assert formatter.lines(batch, ["kserve_v1"] * len(batch)) == alone
