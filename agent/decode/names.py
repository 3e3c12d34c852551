"""Which model, in which version, scored a request: by its path, and by its answer.

Rule: the answer's word goes before the path's. A client may write any version into a path, and a
rollout may answer a request for version 3 by version 4; what scored the rows the server knows.

Sources: KServe V1 and V2 and TensorFlow Serving (`/v1/models/m/versions/3:predict`,
`/v2/models/m/versions/3/infer`), TorchServe (`/predictions/m/2.0`), and the Open Inference
Protocol's `model_version` in an answer, which servers of other dialects write too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from agent.decode.payload import MAX_NAME

VERSIONS = ("model_version", "modelVersionId")
"""Its names at the top of an answer; the second is Vertex AI's."""
_DIGEST = 8
_MODEL = re.compile(
    rb"/v[12]/models/([^/:]+)(?:/versions/([^/:]+))?|/predictions/([^/:]+)(?:/([^/:]+))?"
)
REMEMBERED = 256
"""Bytes; a longer target is read anew each time, so that what is remembered is bounded."""


def named(target: bytes) -> tuple[str, str]:
    """Model and version in a request's target; each empty if the path names none."""
    return _remembered(target) if len(target) <= REMEMBERED else _read(target)


def _read(target: bytes) -> tuple[str, str]:
    found = _MODEL.search(target.partition(b"?")[0])
    if found is None:
        return "", ""
    model, version = found[1] or found[3], found[2] or found[4] or b""
    return model.decode("latin-1")[:MAX_NAME], version_in(version) if version else ""


_remembered = lru_cache(maxsize=1024)(_read)


def version_in(segment: bytes) -> str:
    """The version that a part of a path is."""
    return bounded(unquote_to_bytes(segment).decode("utf-8", "replace"))


def answered(document: Mapping[str, object]) -> str:
    """The version that an answer names, or empty."""
    for name in VERSIONS:
        if name in document:
            return version_of(document[name])
    return ""


def version_of(value: object) -> str:
    """The version that a value of an answer names, or empty: texts and numbers do."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON's 3.0 is its 3
    try:
        return bounded(value if isinstance(value, str) else str(value))
    except ValueError:  # an integer of more digits than Python writes
        return ""


def bounded(version: str) -> str:
    """At most MAX_NAME characters; of a longer one the end is a digest, so that two long versions
    stay two."""
    if len(version) <= MAX_NAME:
        return version
    digest = hashlib.sha256(version.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{version[: MAX_NAME - _DIGEST - 1]}~{digest}"
