"""MLflow's scoring server: `dataframe_split`, `dataframe_records`, `instances` or `inputs`.

Source: MLflow's "Local inference specification". A data frame is `columns`, `index` and `data`, or
records; `instances` and `inputs` are TensorFlow Serving's. `params` beside them are no features.
The answer's `predictions` are a list of values, of lists, of records, or columns.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.dialects import kserve_v1, sagemaker
from agent.decode.payload import Refused, Side, from_rows
from agent.decode.shapes.frames import is_list_of, table

NAME = "mlflow"

_SPLIT, _RECORDS = "dataframe_split", "dataframe_records"
SPLIT, RECORDS = f"a {_SPLIT}", f"a {_RECORDS}"
"""The evidence of either."""
_V1 = (kserve_v1.ASKED, "inputs")


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict):
        return ""
    if isinstance(document.get(_SPLIT), dict):
        return SPLIT
    if isinstance(document.get(_RECORDS), list):
        return RECORDS
    is_at_home = "params" in document or asked.path.endswith(sagemaker.PATH)
    for name in _V1:
        if is_at_home and isinstance(document.get(name), (list, dict)):
            return f"{name} at /invocations or with params"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    if not isinstance(document, dict):
        raise Refused("unsupported", "it is no JSON object")
    split, records = document.get(_SPLIT), document.get(_RECORDS)
    if isinstance(split, dict):
        return _frame(split)
    if isinstance(records, list):
        return from_rows(records, "input")
    return kserve_v1.request(asked)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    return sagemaker.invoked(answer, rows)


def _frame(split: dict[str, object]) -> Side:
    found = table(split)
    if found is not None:
        return found
    data = split.get("data")
    if not is_list_of(data, list):
        raise Refused("malformed" if data else "empty", "dataframe_split has no rows in data")
    assert isinstance(data, list)
    names = split.get("columns")
    if isinstance(names, list) and len(names) == len(data[0]):  # numbers, levels of an index
        named = [_name(name) for name in names]
        rows = [dict(zip(named, row, strict=False)) for row in data if isinstance(row, list)]
        return from_rows(rows, "input")
    return from_rows(data, "input")


def _name(name: object) -> str:
    if isinstance(name, list):
        return ".".join(part for part in name if isinstance(part, str))
    return name if isinstance(name, str) else f"input-{name}"[:32]
