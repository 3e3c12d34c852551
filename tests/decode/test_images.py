"""Images in every form that a request has them in: what is known of them, and what it may cost."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agent.decode.images import facts, light
from agent.decode.images.heads import Head, head
from agent.decode.images.light import (
    DAMAGED,
    MAX_PIXELS,
    MAX_SCANS,
    MEASURED,
    OVER_BUDGET,
    PARTIAL,
    TOO_LARGE,
    Meter,
)
from agent.decode.registry import decode
from tests.decode.test_registry import check, columns, exchange, payload

FORMATS = ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"]
WIDTH, HEIGHT = 60, 40
HEIC = (
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40
    + b"ispe\0\0\0\0" + struct.pack(">II", 60, 40) + b"ispe\0\0\0\0" + struct.pack(">II", 16, 16)
)  # fmt: skip


def image(format: str, width: int = WIDTH, height: int = HEIGHT, **how: Any) -> bytes:
    """A picture whose right half is white and whose left is black."""
    picture = Image.new("RGB", (width, height))
    picture.paste((255, 255, 255), (width // 2, 0, width, height))
    out = io.BytesIO()
    picture.save(out, format, **how)
    return out.getvalue()


IMAGES = {format.lower(): image(format) for format in FORMATS} | {"heic": HEIC}
PNG = image("PNG", 640, 480)
TEXT = base64.b64encode(PNG + b" " * 200).decode()


@pytest.fixture(autouse=True)
def meter(monkeypatch):
    """One with time to spare, of this test alone."""
    found = Meter(lambda: 0.0)
    monkeypatch.setattr(facts, "METER", found)
    return found


@pytest.mark.parametrize(("format", "data"), IMAGES.items())
def test_a_head_says_format_and_size(format, data):
    assert head(data) == Head(format, WIDTH, HEIGHT)


@pytest.mark.parametrize("how", [{"lossless": True}, {"exif": b"Exif\0\0" + b"\0" * 40}])
def test_each_form_of_webp_says_its_size(how):
    assert head(image("WEBP", 300, 200, **how)) == Head("webp", 300, 200)


def test_a_jpeg_whose_size_is_behind_a_long_profile():
    data = image("JPEG", icc_profile=bytes(150_000))
    assert data.index(b"\xff\xc0") > 150_000
    assert head(data) == Head("jpeg", WIDTH, HEIGHT)
    found = payload({"photo": base64.b64encode(data).decode()}).inputs
    assert [*found["photo.width"], *found["photo.height"]] == [WIDTH, HEIGHT]


@pytest.mark.parametrize("data", IMAGES.values())
def test_a_head_that_is_cut_off_says_what_is_there(data):
    whole = head(data)
    for end in range(len(data)):
        found = head(data[:end])
        assert found in (None, whole, Head(whole.format, None, None))
    assert head(data[:64]) is not None


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8", b"BM this is a text", b"GIFT", b"RIFF1234WAVE", b"II", b"MM\0\x2b", b"\0\0",
     b"\0\0\0\x20ftypisom" + b"\0" * 40, b"II*\0\xff\xff\xff\xff", b"\x89PNG"],
)  # fmt: skip
def test_what_only_begins_like_one_has_no_size(data):
    found = head(data)
    assert found is None or found == Head(found.format, None, None)


@given(st.binary(max_size=300), st.sampled_from(sorted(IMAGES)), st.integers(0, 40))
def test_any_bytes_are_a_head_or_none(data, format, kept):
    found = head(IMAGES[format][:kept] + data)
    assert found is None or all(x is None or x > 0 for x in found[1:])


@given(
    st.text(max_size=50), st.sampled_from(["/9j/", "iVBORw0KGgo", "UklGR", "AAAA", "data:image/"])
)
def test_any_text_is_an_image_or_none(text, begin):
    found = facts.of_text(begin + text * 10)
    assert found is None or found["format"]


def test_no_size_is_taken_from_a_size_of_nothing():
    data = bytearray(PNG)
    data[16:20] = b"\0\0\0\0"
    assert head(bytes(data)) == Head("png", None, None)


# ---- in requests


@pytest.mark.parametrize("target", [b"/predict", b"/predictions/net", b"/v1/models/m:predict"])
@pytest.mark.parametrize("kind", [b"image/png", b"application/octet-stream", b"text/plain"])
def test_a_body(target, kind):
    found = decode(exchange(PNG, {"cat": 0.5}, target=target, fields=[(b"content-type", kind)]))
    assert (found.dialect, found.outcome, found.evidence) == (
        "image",
        "ok",
        "the first bytes of a PNG",
    )
    assert columns(found.payload.inputs) == {
        "image.format": ["png"], "image.width": [640], "image.height": [480],
        "image.bytes": [len(PNG)], "image.brightness": [0.5], "image.contrast": [0.5],
    }  # fmt: skip
    assert columns(found.payload.outputs) == {"cat": [0.5]}


def test_an_answer():
    found = decode(exchange({"prompt": "a cat"}, PNG, target=b"/predict"))
    assert found.outcome == "ok"
    assert found.payload.outputs["image.width"] == (640,)


def test_a_body_of_which_some_is_missing(meter):
    whole = exchange(PNG, [0.5])
    found = decode(whole._replace(request_body=(PNG[:200], PNG[-10:], 5_000_000)))
    assert (found.dialect, found.outcome) == ("image", "ok")
    assert columns(found.payload.inputs) == {
        "image.format": ["png"], "image.width": [640], "image.height": [480],
        "image.bytes": [5_000_210],
    }  # fmt: skip
    assert meter.counts[PARTIAL] == 1
    text = decode(whole._replace(request_body=(b"{", b"}", 5)))
    assert (text.dialect, text.outcome) == ("none", "too_large")


def tensor(**more: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": "BYTES", **more}


@pytest.mark.parametrize(
    ("asked", "names", "rows"),
    [
        ({"instances": [{"photo": {"b64": TEXT}, "k": 1}]}, ["photo"], 1),
        ({"instances": [{"b64": TEXT}, {"b64": TEXT}]}, ["b64"], 2),
        ({"instances": [TEXT, TEXT]}, ["instances"], 2),
        ({"instances": [[{"b64": TEXT}, {"b64": TEXT}]]}, ["instances-0", "instances-1"], 1),
        ({"inputs": {"photo": [{"b64": TEXT}]}}, ["photo"], 1),
        ({"inputs": [tensor(shape=[2], data=[TEXT, TEXT])]}, ["x"], 2),
        ({"inputs": [tensor(shape=[1, 2], data=[TEXT, TEXT])]}, ["x-0", "x-1"], 1),
        ({"inputs": [tensor(shape=[2], data=[None, TEXT])]}, ["x"], 2),
        ({"photo": TEXT, "k": 1}, ["photo"], 1),
        ({"a": {"photo": f"data:image/png;base64,{TEXT}"}}, ["a.photo"], 1),
        ({"photo": "\n".join(TEXT[i : i + 76] for i in range(0, len(TEXT), 76))}, ["photo"], 1),
        ({"photo": TEXT.replace("+", "-").replace("/", "_").rstrip("=")}, ["photo"], 1),
        ({"images": [TEXT, TEXT]}, ["images-0", "images-1"], 1),
        ([{"k": 1}, {"photo": TEXT}], ["photo"], 2),
        ({"dataframe_split": {"columns": ["photo"], "data": [[TEXT]]}}, ["photo"], 1),
    ],
)  # fmt: skip
def test_in_a_document(asked, names, rows):
    found = payload(asked)
    check(found)
    assert found.rows == rows
    for name in names:
        assert name not in found.inputs
        of = {key: [*found.inputs[f"{name}.{key}"]] for key in ("format", "width", "bytes")}
        assert of["format"][-1] in ("png", None)
        assert {"png", 640, len(PNG) + 200} <= {value for values in of.values() for value in values}
        assert 0.5 in found.inputs[f"{name}.brightness"]


@pytest.mark.parametrize(
    "text",
    ["Quarks " * 60, "data:image/png," + "A" * 300, "/9" + "A" * 300, "AAAA" * 100, "iVBORw0KGgo",
     "UklGR\ud800" + "A" * 300],
)  # fmt: skip
def test_a_text_that_begins_like_one_stays_a_text(text):
    body = json.dumps({"text": text}).encode()
    found = payload(body)
    assert [*found.inputs] == ["text"]


def test_in_a_form():
    part = b'--XX\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    body = part % (b"data", b'; filename="cat.png"', PNG) + part % (b"mask", b"", PNG) + b"--XX--"
    kind = [(b"content-type", b"multipart/form-data; boundary=XX")]
    found = payload(body, target=b"/predictions/net", fields=kind).inputs
    assert columns(found) == {
        "data.filename": ["cat.png"], "data.size": [len(PNG)],
        "data.format": ["png"], "data.width": [640], "data.height": [480],
        "data.brightness": [0.5], "data.contrast": [0.5],
        "mask.format": ["png"], "mask.width": [640], "mask.height": [480],
        "mask.bytes": [len(PNG)], "mask.brightness": [0.5], "mask.contrast": [0.5],
    }  # fmt: skip


URL = f"data:image/png;base64,{TEXT}"
SMALL = base64.b64encode(image("GIF") + b" " * 200).decode()


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{SMALL}"}},
            {"type": "text", "text": "and this?"},
            {"type": "image_url", "image_url": {"url": URL}}]}]}, b"/v1/chat/completions"),
        ({"model": "m", "input": [{"role": "user", "content": [
            {"type": "input_image", "image_url": URL}]}]}, b"/v1/responses"),
        ({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "data": TEXT}}]}]}, b"/v1/messages"),
        ({"model": "m", "messages": [{"role": "user", "content": "?", "images": [SMALL, TEXT]}]},
         b"/api/chat"),
        ({"model": "m", "prompt": "?", "images": [TEXT]}, b"/api/generate"),
    ],
)  # fmt: skip
def test_the_last_of_a_prompt(asked, target):
    found = decode(exchange(asked, target=target)).payload
    image = {k: v for k, v in columns(found.inputs).items() if k.startswith("prompt.image.")}
    assert image == {
        "prompt.image.format": ["png"], "prompt.image.width": [640], "prompt.image.height": [480],
        "prompt.image.bytes": [len(PNG) + 200], "prompt.image.brightness": [0.5],
        "prompt.image.contrast": [0.5],
    }  # fmt: skip


@pytest.mark.parametrize("url", ["https://example.org/cat.png", None, 3, {}, {"url": []}, "data:x"])
def test_an_image_that_is_elsewhere_is_only_counted(url):
    part = {"type": "image_url", "image_url": url}
    asked = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    found = payload(asked, target=b"/v1/chat/completions").inputs
    assert [*found["prompt.media"]] == [1]
    assert not [name for name in found if name.startswith("prompt.image")]


def test_nothing_of_it_is_kept():
    for body in ({"instances": [{"b64": TEXT}]}, {"photo": URL}, PNG):
        found = repr(decode(exchange(body, [1])))
        assert TEXT[:20] not in found
        assert "PNG\\r" not in found


# ---- light


def measured(data: bytes, meter: Meter | None = None) -> light.Light | None:
    found = head(data)
    assert found is not None
    return (meter or Meter(lambda: 0.0)).measure(lambda: data, found)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize(("width", "height"), [(60, 40), (1, 1), (1000, 3), (900, 700)])
def test_light_is_the_same_whatever_format_and_size(format, width, height):
    found = measured(image(format, width, height))
    assert found is not None
    if width > 1:
        assert found == pytest.approx((0.5, 0.5), abs=0.02)


@pytest.mark.parametrize(
    ("mode", "color", "brightness"),
    [("L", 51, 0.2), ("1", 1, 1.0), ("RGBA", (255, 255, 255, 0), 1.0), ("P", 0, 0.0),
     ("I;16", 13107, 0.2), ("LA", (51, 9), 0.2)],
)  # fmt: skip
def test_light_of_other_modes(mode, color, brightness):
    out = io.BytesIO()
    Image.new(mode, (70, 70), color).save(out, "PNG")
    assert measured(out.getvalue()) == pytest.approx((brightness, 0.0), abs=0.002)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is large, in a few bytes."""
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def test_a_bomb_is_not_decoded():
    meter = Meter(lambda: 0.0)
    assert measured(bomb(60_000, 60_000), meter) is None
    assert measured(bomb(MAX_PIXELS, 2), meter) is None
    assert (meter.counts[TOO_LARGE], meter.counts[MEASURED]) == (2, 0)


def test_a_jpeg_of_many_scans_is_not_decoded():
    data = image("JPEG", progressive=True)
    end = data.rindex(b"\xff\xda")
    meter = Meter(lambda: 0.0)
    assert measured(data, meter) is not None
    assert measured(data[:end] + data[end:] * MAX_SCANS, meter) is None
    assert meter.counts[TOO_LARGE] == 1


@given(st.binary(max_size=200), st.sampled_from(["jpeg", "png", "gif", "webp", "bmp"]),
       st.integers(30, 200))  # fmt: skip
def test_damaged_images_are_counted_and_nothing_else(data, format, kept):
    meter = Meter(lambda: 0.0)
    damaged = IMAGES[format][:kept] + data
    if head(damaged) is not None:
        measured(damaged, meter)
        assert sum(meter.counts.values()) == 1


def test_one_that_is_cut_off_is_damaged():
    meter = Meter(lambda: 0.0)
    assert measured(PNG[: len(PNG) // 2], meter) is None
    assert meter.counts[DAMAGED] == 1


def test_all_together_take_a_share_of_time():
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.01  # each look at the clock: an image takes so long
        return now

    meter = Meter(clock)
    for _ in range(1000):
        measured(IMAGES["png"], meter)
    done, over = meter.counts[MEASURED], meter.counts[OVER_BUDGET]
    assert done + over == 1000
    assert done * 0.01 == pytest.approx(light.SAVED_UP + light.SHARE * now, rel=0.1)
    now += 10  # quiet for a while
    assert measured(IMAGES["png"], meter) is not None


def test_without_pillow_heads_are_read_all_the_same(monkeypatch, meter):
    monkeypatch.setattr(light, "_pillow", lambda: None)
    assert columns(payload({"photo": TEXT}).inputs) == {
        "photo.format": ["png"], "photo.width": [640], "photo.height": [480],
        "photo.bytes": [len(PNG) + 200],
    }  # fmt: skip
    assert not any(meter.counts.values())


def test_a_missing_library_is_found_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert light._pillow.__wrapped__() is None
