"""Which model, in which version, scored a request: by header fields.

Rule: what answers says more than what asks. A body or a path that names model or version goes
before all of these. Names that clients send are bounded like those of paths: by how many models
and versions are watched.

Sources: Seldon Core 2 (`seldon-model`; `x-seldon-route`, `:iris_1:`, the route through models and
their versions), SageMaker (`X-Amzn-SageMaker-Target-Model` of a multi-model endpoint,
`x-Amzn-Invoked-Production-Variant`), Ray Serve (`serve_multiplexed_model_id`), Azure ML
(`azureml-model-deployment`), and the two names that people give such fields of their own,
`X-Model-Name` and `X-Model-Version`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter

from agent.decode.names import bounded
from agent.decode.payload import MAX_NAME
from agent.exchange import Fields

_ROUTE = b"x-seldon-route"
VERSIONS = (b"x-model-version", b"x-amzn-invoked-production-variant")
"""Of answers."""
MODELS = (
    b"x-model-name",
    b"seldon-model",
    b"x-amzn-sagemaker-target-model",
    b"serve_multiplexed_model_id",
    b"azureml-model-deployment",
)
"""Of answers and requests."""
_LONGEST = 512
"""Bytes of a value that are looked at."""


def _spelled(names: Iterable[bytes]) -> frozenset[bytes]:
    """As they are usually written: looking in each head without regard to case costs thrice."""
    return frozenset(s for name in names for s in (name, name.title(), name.upper()))


_OTHERS = (b"X-Amzn-SageMaker-Target-Model", b"x-Amzn-Invoked-Production-Variant")
_ALL = _spelled((_ROUTE, *VERSIONS, *MODELS)) | {*_OTHERS}
_say_nothing = _ALL.isdisjoint
_names = itemgetter(0)


def version(answered: Fields) -> str:
    """The version that an answer's head names, or empty."""
    if _say_nothing(map(_names, answered)):
        return ""
    known = _known(answered)
    return bounded(_first(known, VERSIONS) or _routed(known.get(_ROUTE, b""))[1])


def model(asked: Fields, answered: Fields) -> str:
    """The model that a head names, or empty."""
    if _say_nothing(map(_names, answered)) and _say_nothing(map(_names, asked)):
        return ""
    known = _known(answered)
    found = _first(known, MODELS) or _routed(known.get(_ROUTE, b""))[0]
    return (found or _first(_known(asked), MODELS))[:MAX_NAME]


def _known(fields: Fields) -> dict[bytes, bytes]:
    """The first of each name."""
    return {name.lower(): value[:_LONGEST] for name, value in reversed(fields) if name in _ALL}


def _first(known: Mapping[bytes, bytes], names: Iterable[bytes]) -> str:
    value = next((known[name] for name in names if known.get(name)), b"")
    return value.decode("utf-8", "replace").strip()


def _routed(route: bytes) -> tuple[str, str]:
    """The last model of `:first_1:iris_3:`, and its version."""
    last = route.decode("utf-8", "replace").strip(": ").rpartition(":")[2]
    model, mark, version = last.rpartition("_")
    return (model, version) if mark and version.isdigit() else ("", "")
