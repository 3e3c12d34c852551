"""Content codings are undone whatever the head says, and never beyond their bounds."""

from __future__ import annotations

import gzip
import zlib

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.bodies import codings
from agent.decode.bodies.codings import MAX_DECODED, MAX_LAYERS, undone
from agent.decode.payload import Refused
from agent.decode.registry import decode
from tests.decode.test_registry import columns, exchange, payload

BODY = b'{"a": 1}'


def brotli(raw: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(raw, 5))


def zstd(raw: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(raw, 3))


def bare_deflate(raw: bytes) -> bytes:
    return zlib.compress(raw)[2:-4]


PACKERS = [
    (b"gzip", gzip.compress),
    (b"X-Gzip", gzip.compress),
    (b"deflate", zlib.compress),
    (b"deflate", bare_deflate),
    (b"br", brotli),
    (b"zstd", zstd),
]


def named(*values: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"Content-Encoding", value) for value in values]


def outcome(body: bytes, fields: list[tuple[bytes, bytes]]) -> str:
    try:
        undone(body, fields)
    except Refused as refused:
        return refused.outcome if refused.why else "refused without a word"
    return "ok"


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
def test_compressed_bodies(coding, pack):
    body, fields = pack(BODY), named(coding)
    assert columns(payload(body, fields=fields).inputs) == {"a": [1]}
    answer = exchange({"instances": [1]}, pack(b'{"predictions": [2]}'))
    found = decode(answer._replace(response_fields=fields))
    assert columns(found.payload.outputs) == {"predictions": [2]}


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
def test_a_stream_that_ends_too_soon_is_malformed(coding, pack):
    body = pack(bytes(range(256)) * 8)
    for end in (1, 2, 5, len(body) // 2, len(body) - 1):
        if pack is zlib.compress or end < len(body) - 1 or coding != b"deflate":
            assert outcome(body[:end], named(coding)) == "malformed", end


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_two_are_known_without_the_field_or_beside_a_wrong_one(pack):
    assert undone(pack(BODY), [])[0] == BODY
    assert undone(pack(BODY), named(b"deflate"))[0] == BODY


def test_a_body_that_is_not_coded_though_its_head_says_so_is_read():
    for coding in (b"gzip", b"br", b"zstd", b"deflate"):
        assert undone(b"[1, 2]", named(coding)) == (b"[1, 2]", ())
        assert columns(payload(BODY, fields=named(coding)).inputs) == {"a": [1]}


def test_a_brotli_stream_may_begin_like_a_list():
    packed = (
        bytes(cramjam.brotli.compress(b'["%s"]' % (b"x" * size), 5))
        for size in range(70_000, 300_000, 1000)
    )
    body = next(one for one in packed if one.startswith(b"["))
    assert undone(body, named(b"br"))[0].startswith(b'["xx')


@pytest.mark.parametrize(
    "fields", [named(b"gzip, br"), named(b"gzip", b"br"), named(b"gzip , identity,BR")]
)
def test_several_are_undone_from_the_last(fields):
    assert undone(brotli(gzip.compress(BODY)), fields) == (BODY, ("br", "gzip"))


def test_as_many_as_there_may_be_and_one_more():
    body = BODY
    for _ in range(MAX_LAYERS):
        body = gzip.compress(body)
    assert undone(body, []) == (BODY, ("gzip",) * MAX_LAYERS)
    assert outcome(gzip.compress(body), []) == "too_large"
    assert outcome(BODY[1:], named(b"gzip, " * 1000)) == "malformed"


@pytest.mark.parametrize(("coding", "pack"), PACKERS)
def test_what_unpacks_to_too_much_is_dropped(coding, pack):
    assert len(undone(pack(b"0" * MAX_DECODED), named(coding))[0]) == MAX_DECODED
    assert outcome(pack(b"0" * (MAX_DECODED + 1)), named(coding)) == "too_large"
    assert outcome(pack(b"0" * (40 << 20)), named(coding)) == "too_large"


def test_nested_bombs_and_many_files_in_a_row():
    for inner in (gzip.compress, zstd):
        bomb = inner(b"\0" * (40 << 20))
        assert outcome(brotli(bomb), named(b"br")) == "too_large"
        assert outcome(zstd(gzip.compress(bomb)), []) == "too_large"
    assert undone(gzip.compress(b"[1") + gzip.compress(b"]"), [])[0] == b"[1]"
    assert outcome(gzip.compress(b"") * 50_000, []) == "too_large"


def test_without_the_library_it_is_unsupported_and_says_what_to_install(monkeypatch):
    monkeypatch.setattr(codings, "_cramjam", lambda: None)
    with pytest.raises(Refused, match="unsupported") as refused:
        undone(brotli(BODY), named(b"br"))
    assert "outrider[codings]" in refused.value.why


@given(st.binary(max_size=300), st.lists(st.sampled_from([b"gzip", b"br", b"zstd", b"deflate"])))
def test_any_bytes_are_bytes_or_an_outcome(body, listed):
    assert outcome(body or b"x", named(b", ".join(listed))) in ("ok", "malformed", "too_large")
