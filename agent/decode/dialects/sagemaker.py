"""The JSON of SageMaker's built-in algorithms: `instances` of features, dense or sparse.

Source: SageMaker's "Common data formats for inference". A row is `{"features": [1.5, 16]}`, or
`{"data": {"features": {"values": [1.5, 16]}}}`, sparse with `keys` and `shape` beside `values`; its
columns are `features-0`, …. Text and time series (BlazingText, DeepAR) come with a
`configuration`. Answers are `predictions`, often JSON Lines or CSV.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.dialects import kserve_v1
from agent.decode.payload import LONGEST_NUMBER, MAX_NAME, Refused, Side, from_rows
from agent.decode.shapes import answers

NAME = "sagemaker"
PATH = b"/invocations"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not asked.path.endswith(PATH) or not isinstance(document, dict):
        return ""
    rows = document.get(kserve_v1.ASKED)
    if not isinstance(rows, list) or not rows:
        return ""
    if "configuration" in document:
        return "instances with a configuration at /invocations"
    first = rows[0]
    if not isinstance(first, dict):
        return ""
    is_features = isinstance(first.get("features"), list) or row(first) is not first
    return "instances of features at /invocations" if is_features else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    rows = document.get(kserve_v1.ASKED) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise Refused("unsupported", "it has no list of instances")
    return from_rows([row(one) for one in rows], kserve_v1.ASKED)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return invoked(answer, rows)


def invoked(answer: Message, rows: int) -> Side:
    """The same of any answer from `/invocations`: `predictions` or another form."""
    document = answer.document if answer.is_like_json else None
    if isinstance(document, dict) and kserve_v1.ANSWERED in document:
        return kserve_v1.response(answer, rows)
    return answers.read(answer, rows)


def row(instance: object) -> object:
    """An instance without the levels around its features; as it is if it is of another form."""
    if not isinstance(instance, dict) or len(instance) != 1:
        return instance
    data = instance.get("data")
    if not isinstance(data, dict) or not any(map(_values, data.values())):
        return instance
    return {
        key: value for name, inner in data.items() for key, value in _features(name, inner).items()
    }


def _values(inner: object) -> list[object] | None:
    values = inner.get("values") if isinstance(inner, dict) else None
    return values if isinstance(values, list) else None


def _features(name: str, inner: object) -> dict[str, object]:
    values = _values(inner)
    if values is None or not isinstance(inner, dict):
        return {name: inner}
    keys = inner.get("keys")
    if not isinstance(keys, list):
        return {name: values}
    short = name[: MAX_NAME - LONGEST_NUMBER]
    pairs = zip(keys, values, strict=False)
    return {f"{short}-{key}": value for key, value in pairs if _is_place(key)}


def _is_place(key: object) -> bool:
    return type(key) is int and 0 <= key < 10 ** (LONGEST_NUMBER - 1)
