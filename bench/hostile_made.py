"""Payloads that a hostile client sends, by name: what is bounded, counted and never raises.

Rule: data alone; `tests/decode/test_hostile.py` says what becomes of them, `bench.hostile` what
they cost.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import NamedTuple

from agent.exchange import Body, Fields

CAPTURED = 1 << 20
"""Bytes: the default of capture.max_body_bytes."""
UNPACKED = 4 << 20


class Hostile(NamedTuple):
    """A request."""

    dialect: str
    outcome: str
    body: Callable[[], bytes]
    fields: Fields = []  # noqa: RUF012
    skipped: int = 0
    """Bytes of its middle that the capture left out."""
    size: int = 0
    """Of the normal one that it is compared with, where that is not its own: what it unpacks to."""

    def captured(self) -> Body:
        """As the observer gets it."""
        return Body(self.body(), b"", self.skipped)


def _coding(value: bytes) -> Fields:
    return [(b"Content-Encoding", value)]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _filled(begin: bytes, part: bytes, end: bytes) -> bytes:
    """As long as is captured."""
    times = (CAPTURED - len(begin) - len(end) - len(part)) // (len(part) + 1)
    return begin + b",".join([part] * times) + end


def _names(count: int) -> bytes:
    return b"{" + b",".join(b'"c%d":%d' % (n, n) for n in range(count)) + b"}"


def _brotli(raw: bytes) -> bytes:
    import cramjam

    return bytes(cramjam.brotli.compress(raw, 5))


def _zstd(raw: bytes) -> bytes:
    import cramjam

    return bytes(cramjam.zstd.compress(raw, 3))


def _npy(header: str) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


LYING = (
    b'{"inputs":[{"name":"x","shape":[2000000000],"datatype":"FP32",'
    b'"parameters":{"binary_data_size":8000000000}}]}'
)
ZEROS = bytes(16 << 20)
DEEP = 10_000
LONE = rb'"\ud800 \udfff\ud83d"'
PROMPT = b'{"model":"m","messages":[{"role":"user","content":"%s"}]}'
TENSOR = b'{"name":"x","shape":[%s],"datatype":"FP32","data":[%s]}'

CASES: dict[str, Hostile] = {
    # ---- nested
    "lists 10,000 deep": Hostile("none", "too_large", lambda: b"[" * DEEP + b"]" * DEEP),
    "objects 10,000 deep": Hostile(
        "none", "too_large", lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP
    ),
    "instances 10,000 deep": Hostile(
        "none", "too_large", lambda: b'{"instances":' + b"[" * DEEP + b"]" * DEEP + b"}"
    ),
    "opened 500,000 times and never closed": Hostile("none", "too_large", lambda: b"[" * 500_000),
    "700 deep, 700 times": Hostile(
        "tabular", "empty", lambda: _filled(b"[", b"[" * 700 + b"1" + b"]" * 700, b"]")
    ),
    # ---- wide
    "a million columns": Hostile("tabular", "ok", lambda: _names(1_000_000)),
    "70,000 columns": Hostile("tabular", "ok", lambda: _names(70_000)),
    "instances of 70,000 columns": Hostile(
        "kserve_v1", "ok", lambda: b'{"instances":[' + _names(70_000) + b"]}"
    ),
    "each row has a name of its own": Hostile(
        "tabular", "too_large",
        lambda: b"[" + b",".join(b'{"c%d":1}' % n for n in range(70_000)) + b"]",
    ),
    "1,000 rows of 60 names of their own": Hostile(
        "tabular", "inputs_only",
        lambda: _json([{f"r{n}-{i}": 1 for i in range(60)} for n in range(1000)]),
    ),
    "1,000 rows of one name of its own": Hostile(
        "tabular", "inputs_only", lambda: _json([{f"r{n}": 1} for n in range(1000)])
    ),
    "a nested list of 500,000 numbers": Hostile(
        "tabular", "ok", lambda: _filled(b'{"a":{"b":[', b"0", b"]}}")
    ),
    "500,000 numbers": Hostile("tabular", "ok", lambda: _filled(b"[", b"0", b"]")),
    "rows of unequal lists": Hostile(
        "kserve_v1", "ok",
        lambda: _filled(b'{"instances":[[1,2],', b"[" + b"1," * 400 + b"1]", b"]}"),
    ),
    "350,000 empty objects": Hostile("tabular", "empty", lambda: _filled(b"[", b"{}", b"]")),
    "one name 80,000 times": Hostile("tabular", "ok", lambda: _filled(b"{", b'"abcdef":1', b"}")),
    "a name of a million characters": Hostile(
        "tabular", "ok", lambda: b'{"%s":1}' % (b"x" * 1_000_000)
    ),
    "a text of a million characters": Hostile(
        "kserve_v1", "ok", lambda: b'{"instances":["%s"]}' % (b"x" * 1_000_000)
    ),
    "100 MB of categories": Hostile(
        "none", "too_large", lambda: _filled(b'{"instances":[', b'{"city":"Rome"}', b""),
        skipped=100 << 20,
    ),
    # ---- numbers
    "NaN, Infinity and 1e400": Hostile(
        "kserve_v1", "ok",
        lambda: _filled(b'{"instances":[', b"[NaN,-Infinity,1e400,-1e400]", b"]}"),
    ),
    "100 numbers of 10,000 digits": Hostile(
        "kserve_v1", "ok", lambda: _filled(b'{"instances":[', b"9" * 10_000, b"]}")
    ),
    "numbers of 300 digits": Hostile(
        "kserve_v1", "ok", lambda: _filled(b'{"instances":[NaN,', b"9" * 300, b"]}")
    ),
    "100 fractions of 10,000 digits": Hostile(
        "kserve_v1", "ok", lambda: _filled(b'{"instances":[', b"0." + b"7" * 10_000, b"]}")
    ),
    "one number of a million digits": Hostile(
        "kserve_v1", "ok", lambda: b'{"instances":[%s]}' % (b"9" * 1_000_000)
    ),
    "exponents of a million": Hostile(
        "kserve_v1", "ok", lambda: _filled(b'{"instances":[', b"1e1000000,1e-1000000", b"]}")
    ),
    # ---- texts
    "lone surrogates": Hostile("kserve_v1", "ok", lambda: _filled(b'{"instances":[', LONE, b"]}")),
    "lone surrogates as names": Hostile(
        "tabular", "ok", lambda: _filled(b"{", LONE + b":1", b"}")
    ),
    "backslashes before a surrogate": Hostile(
        "tabular", "ok", lambda: b'{"a":NaN,"b":"' + rb"\\" * 500_000 + rb'\ud800"}'
    ),
    "a byte order mark": Hostile(
        "kserve_v1", "ok", lambda: b"\xef\xbb\xbf" + _filled(b'{"instances":[', b'{"a":1}', b"]}")
    ),
    "UTF-16": Hostile(
        "kserve_v1", "ok", lambda: ('{"instances":[' + '{"a":1},' * 60_000 + "0]}").encode("utf-16")
    ),
    "bytes that are no text": Hostile("none", "malformed", lambda: bytes(range(128, 256)) * 8000),
    "a million spaces": Hostile("none", "malformed", lambda: b" " * 1_000_000),
    # ---- tensors that lie
    "a shape of more than there is": Hostile(
        "kserve_v2", "malformed",
        lambda: b'{"inputs":[' + TENSOR % (b"2000000000,2000000000", b"1") + b"]}",
    ),
    "a shape of numbers without end": Hostile(
        "kserve_v2", "malformed",
        lambda: b'{"inputs":[' + TENSOR % (b",".join([b"1"] * 400_000), b"1") + b"]}",
    ),
    "18,000 empty tensors": Hostile(
        "kserve_v2", "empty", lambda: _filled(b'{"inputs":[', TENSOR % (b"0", b""), b"]}")
    ),
    "18,000 tensors of one name": Hostile(
        "kserve_v2", "inputs_only", lambda: _filled(b'{"inputs":[', TENSOR % (b"1", b"1"), b"]}")
    ),
    "a binary tensor of more than there is": Hostile(
        "kserve_v2", "malformed",
        lambda: LYING + bytes(8),
        [(b"Inference-Header-Content-Length", b"%d" % len(LYING))],
    ),
    "an npy header with code in it": Hostile(
        "numpy", "malformed", lambda: _npy("__import__('os').system('true')") + bytes(64)
    ),
    "an npy header nested 5,000 deep": Hostile(
        "numpy", "malformed", lambda: _npy("(" * 5000 + ")" * 5000)
    ),
    "an npy array of pickled objects": Hostile(
        "numpy", "unsupported",
        lambda: _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + bytes(64),
    ),
    "an npy array of more than there is": Hostile(
        "numpy", "malformed",
        lambda: _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,), }"),
    ),
    "Arrow that is none": Hostile("arrow", "malformed", lambda: b"ARROW1\0\0" + b"\xff" * 1000),
    # ---- rows of text
    "a CSV line of 500,000 commas": Hostile(
        "csv", "ok", lambda: b"," * 500_000, [(b"Content-Type", b"text/csv")]
    ),
    "500,000 CSV lines": Hostile(
        "csv", "inputs_only", lambda: b"1\n" * 500_000, [(b"Content-Type", b"text/csv")]
    ),
    "a CSV quote that is never closed": Hostile(
        "csv", "too_large", lambda: b'1,"' + b'""\n,' * 200_000, [(b"Content-Type", b"text/csv")]
    ),
    "350,000 JSON lines": Hostile(
        "json_lines", "empty", lambda: b"{}\n" * 350_000,
        [(b"Content-Type", b"application/jsonlines")],
    ),
    "130,000 JSON lines and a NaN": Hostile(
        "json_lines", "inputs_only", lambda: b'{"a":1}\n' * 130_000 + b'{"a":NaN}',
        [(b"Content-Type", b"application/jsonlines")],
    ),
    "200,000 form fields": Hostile(
        "form", "ok", lambda: _filled(b"", b"a=1&b", b"").replace(b",", b"&"),
        [(b"Content-Type", b"application/x-www-form-urlencoded")],
    ),
    "20,000 form parts": Hostile(
        "form", "ok",
        lambda: b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 18_000 + b"--x--",
        [(b"Content-Type", b"multipart/form-data; boundary=x")],
    ),
    # ---- language
    "30,000 messages": Hostile(
        "openai_chat", "too_large",
        lambda: _filled(b'{"model":"m","messages":[', b'{"role":"user","content":"x"}', b"]}"),
    ),
    "a prompt of 500,000 words": Hostile(
        "openai_chat", "inputs_only",
        lambda: PROMPT % (b" x" * 500_000),
    ),
    "a prompt of 170,000 lone surrogates": Hostile(
        "openai_chat", "inputs_only",
        lambda: PROMPT % (rb"\ud800" * 170_000),
    ),
    # ---- compressed
    "a bomb": Hostile("none", "too_large", lambda: gzip.compress(ZEROS), size=UNPACKED),
    "a bomb, deflate": Hostile(
        "none", "too_large", lambda: zlib.compress(ZEROS), _coding(b"deflate"), size=UNPACKED
    ),
    "a bomb, br": Hostile(
        "none", "too_large", lambda: _brotli(ZEROS), _coding(b"br"), size=UNPACKED
    ),
    "a bomb, zstd": Hostile("none", "too_large", lambda: _zstd(ZEROS), size=UNPACKED),
    "a bomb in a bomb": Hostile(
        "none", "too_large", lambda: gzip.compress(gzip.compress(ZEROS * 4)), size=UNPACKED
    ),
    "a bomb in a bomb in a bomb": Hostile(
        "none", "too_large", lambda: _brotli(_zstd(gzip.compress(ZEROS))),
        _coding(b"gzip, zstd, br"), size=UNPACKED,
    ),
    "four codings": Hostile(
        "none", "too_large",
        lambda: gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"{}")))),
    ),
    "50,000 empty gzip files": Hostile("none", "too_large", lambda: gzip.compress(b"") * 50_000),
    "10,000 codings named": Hostile(
        "none", "malformed", lambda: b"x" * 1000, _coding(b"gzip," * 10_000)
    ),
}  # fmt: skip
