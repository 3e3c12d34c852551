"""Bodies made to hurt whoever reads them: they pass byte for byte, and the observer lives on."""

from __future__ import annotations

import json

import pytest

from tests.harness import eventually
from tests.origin import RawOrigin
from tests.wire import Stream, request, response

pytestmark = pytest.mark.slow

ROW = b'{"instances": [%b]}'
HOSTILE = {
    "nothing": b"",
    "a space": b" ",
    "a megabyte of brackets": b"[" * (1 << 20),
    "a megabyte of braces": b'{"a":' * (1 << 18),
    "deep in a row": ROW % (b"[" * 5000 + b"1" + b"]" * 5000),
    "a lone surrogate": ROW % b'{"a": "\\ud800"}',
    "a lone surrogate as a name": ROW % b'{"\\udfff": 1}',
    "surrogates as bytes": ROW % b'{"a": "\xed\xa0\x80"}',
    "no UTF-8": ROW % b'{"a": "\xff\xfe"}',
    "NUL in a name": ROW % b'{"a\\u0000b": 1}',
    "NUL bytes": b"\0" * 4096,
    "NaN": ROW % b'{"a": NaN}',
    "infinity": ROW % b'{"a": Infinity, "b": -Infinity}',
    "beyond a float": ROW % b'{"a": 1e999, "b": -1e999, "c": 1e-999}',
    "a number of 100,000 digits": ROW % (b'{"a": ' + b"9" * 100_000 + b"}"),
    "a fraction of 100,000 digits": ROW % (b'{"a": 0.' + b"3" * 100_000 + b"}"),
    "names twice": ROW % b'{"a": 1, "a": "x", "a": null}',
    "10,000 columns": ROW % json.dumps({f"c{n}": n for n in range(10_000)}).encode(),
    "an empty name": ROW % b'{"": 1}',
    "a name of 100 kB": ROW % (b'{"' + b"n" * 100_000 + b'": 1}'),
    "a text of 500 kB": ROW % (b'{"a": "' + b"t" * 500_000 + b'"}'),
    "mixed kinds": b'{"instances": [{"a": 1}, {"a": "x"}, {"a": [1]}, {"a": {}}, 5, null, []]}',
    "ragged rows": b'{"instances": [[1], [1, 2], [], [[1]], "x"]}',
    "100,000 rows": ROW % b",".join([b"[1]"] * 100_000),
    "no list": b'{"instances": {"a": 1}}',
    "a list of nothing": b'{"instances": []}',
    "cut short": b'{"instances": [{"a": 1',
    "two documents": b'{"instances": [[1]]}{"instances": [[2]]}',
    "a byte order mark": b"\xef\xbb\xbf" + ROW % b"[1]",
    "UTF-16": (ROW % b"[1]").decode().encode("utf-16"),
    "a tensor that lies": b'{"inputs": [{"name": "x", "shape": [1000000000, 9], '
    b'"datatype": "FP32", "data": [1]}]}',
    "a negative shape": b'{"inputs": [{"name": "x", "shape": [-1, 0], '
    b'"datatype": "FP32", "data": [1]}]}',
    "no datatype": b'{"inputs": [{"name": "x", "shape": [1], "datatype": "??", "data": [1]}]}',
}
PATHS = (b"/v1/models/churn:predict", b"/v2/models/churn/infer", b"/predict")


def test_they_pass_as_they_are_and_are_counted(start, own_origin: RawOrigin):
    proxy = start(own_origin.url, {"drift": {"window": {"rows": 100, "seconds": "1s"}}})
    observer, sent = proxy.pid("observer"), 0

    def echo(stream: Stream) -> None:
        stream.send(response(seen[-1].body, b"Content-Type: application/json"))

    with own_origin.serving(echo) as seen, proxy.connect() as client:
        for path in PATHS:
            for name, body in HOSTILE.items():
                client.send(request(b"POST", path, b"Content-Type: application/json", body=body))
                assert client.response().body == body, name
                assert seen[-1].body == body, name
                sent += 1

    def accounted() -> bool:
        scrape = proxy.metrics()
        finished = scrape.value("outrider_records_total", stage="finished")
        return finished + scrape.value("outrider_records_dropped_total", stage="worker") == sent

    eventually(accounted, "every record to be finished, or dropped for its size", 60)
    scrape = proxy.metrics()
    finished = scrape.value("outrider_records_total", stage="finished")
    assert finished > sent * 0.8
    assert scrape.value("outrider_records_dropped_total", stage="observer") == 0
    assert scrape.value("outrider_decode_total") == finished
    assert proxy.pid("observer") == observer
    assert scrape.value("outrider_process_restarts_total") == 0
    assert proxy.stderr().count("\n") < 40, proxy.report()
