"""Arrow IPC: types come back, what could unpack to more than it is does not."""

from __future__ import annotations

import datetime
import io
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import MAX_STRING, Payload
from agent.decode.registry import decode
from tests.decode.test_registry import check, columns, exchange

pa = pytest.importorskip("pyarrow")
STREAM = [(b"Content-Type", b"application/vnd.apache.arrow.stream")]


def streamed(table: pa.Table, *, file: bool = False, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    with make(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


def outcome(raw: bytes) -> str:
    found = decode(exchange(raw, fields=STREAM))
    assert found.dialect == "arrow"
    check(found.payload)
    return found.outcome


def payload(raw: bytes, answer: object = b"{}") -> Payload:
    one = exchange(raw, answer, fields=STREAM)
    found = decode(one._replace(response_fields=STREAM))
    assert found.payload is not None, found
    check(found.payload)
    return found.payload


TABLE = pa.table(
    {
        "i": [1, None, 3],
        "f": pa.array([0.5, 1.5, -2], pa.float32()),
        "h": pa.array([0.5, 1.5, -2], pa.float16()),
        "u": pa.array([0, 1, 2**64 - 1], pa.uint64()),
        "b": [True, False, None],
        "s": ["x", None, "y" * 300],
        "l": pa.array(["a", "b", "c"], pa.large_string()),
        "raw": [b"\xff\xd8", b"ok", None],
        "d": pa.array(["p", None, "p"]).dictionary_encode(),
        "n": [Decimal("1.5"), None, Decimal("2.5")],
        "day": [datetime.date(2026, 1, 2), None, datetime.date(1969, 1, 1)],
        "at": pa.array([1, 2, None], pa.timestamp("ns", "UTC")),
        "v": [[1, 2], [3, 4], [5, 6]],
        "w": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
    }
)
EXPECTED = {
    "i": [1, None, 3], "f": [0.5, 1.5, -2.0], "h": [0.5, 1.5, -2.0], "u": [0, 1, 2**64 - 1],
    "b": [True, False, None], "s": ["x", None, "y" * MAX_STRING], "l": ["a", "b", "c"],
    "raw": ["ÿØ", "ok", None], "d": ["p", None, "p"], "n": [1.5, None, 2.5],
    "day": ["2026-01-02", None, "1969-01-01"],
    "at": ["1970-01-01 00:00:00+00:00", "1970-01-01 00:00:00+00:00", None],
    "v-0": [1, 3, 5], "v-1": [2, 4, 6], "w-0": [1.0] * 3, "w-1": [2.0] * 3,
}  # fmt: skip


@pytest.mark.parametrize("file", [False, True])
def test_types_of_a_stream_and_of_a_file(file):
    raw = streamed(TABLE, file=file)
    found = payload(raw, raw)
    assert columns(found.inputs) == columns(found.outputs) == EXPECTED
    assert (found.rows, found.left_out) == (3, 0)


def test_an_answer_may_be_json():
    assert columns(payload(streamed(TABLE), [1, 2, 3]).outputs) == {"output": [1, 2, 3]}


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("column", [["x" * 9999] * 9, pa.array(["x"] * 9).dictionary_encode()])
def test_what_is_compressed_is_not_unpacked(compression, column):
    assert outcome(streamed(pa.table({"s": column}), compression=compression)) == "unsupported"


def test_a_dictionary_of_long_texts_is_not_multiplied():
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int8()), ["x" * 300_000])
    found = payload(streamed(pa.table({"s": long})))
    assert {len(value) for value in found.inputs["s"]} == {MAX_STRING}


def test_types_that_may_be_more_than_their_bytes_are_left_out():
    table = pa.table(
        {
            "k": [1, 2],
            "null": pa.nulls(2),
            "struct": [{"a": 1}, {"a": 2}],
            "ragged": [[1], [2, 3]],
            "texts": [["a"], ["b"]],
            "view": pa.array(["a", "b"], pa.string_view()),
            "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([7])),
        }
    )
    found = payload(streamed(table))
    assert (columns(found.inputs), found.left_out) == ({"k": [1, 2]}, 12)


def test_rows_are_bounded():
    def nulls(rows: int, columns: int = 1) -> pa.Table:
        return pa.table({str(i): pa.nulls(rows) for i in range(columns)})

    def whole(table: pa.Table) -> bytes:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue()

    assert outcome(whole(nulls(1 << 24))) == "too_large"
    assert outcome(whole(nulls(1 << 19, 3))) == "too_large"
    assert outcome(whole(nulls(1, 5000))) == "too_large"
    assert outcome(whole(nulls(0))) == "empty"


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert outcome(streamed(TABLE)) == "unsupported"
    assert "outrider[arrow]" in decode(exchange(streamed(TABLE), fields=STREAM)).why


SEEDS = [streamed(TABLE), streamed(TABLE.slice(0, 1)), streamed(TABLE, file=True)]


@given(st.sampled_from(SEEDS), st.data())
def test_any_damage_is_an_outcome(seed, data):
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(8, len(raw) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(raw[: data.draw(st.just(len(raw)) | st.integers(8, len(raw)))]))
