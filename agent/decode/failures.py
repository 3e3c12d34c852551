"""Whether an answer of a good status says that something failed, and has no prediction.

Rule: rather silent than wrong. An answer is a failure only if all that it has belongs to the
envelope of one, and one member says so: `{"error": 0.03}` is a reconstruction error and
`{"status": "failed", "probability": 0.9}` a prediction.

Sources: RFC 9457 (`type`, `title`, `status`, `detail`), GraphQL's `errors`, FastAPI's `detail`,
OpenAI's and Anthropic's `error`, AWS Lambda's `errorMessage`, TF Serving's and KServe's `error`.
"""

from __future__ import annotations

MAX_ROWS = 1000
"""Of a list, that are looked at."""
LEAST_ERROR, MOST_ERROR = 400, 599
"""HTTP's statuses of failures, which `code` and `status` repeat."""

_TEXTS = ("message", "msg", "detail", "details", "reason", "description", "title")
_CODES = ("code", "status_code", "statusCode", "error_code", "errorCode", "status")
_ERRORS = (
    "error", "Error", "errors", "exception", "Exception", "traceback", "stack_trace",
    "stackTrace", "errorMessage", "error_message",
)  # fmt: skip
_OBJECTS = ("fault",)
"""Of errors that are objects; a word there is a class: `{"fault": "inner race"}`."""
_ELSE = (
    "type", "instance", "path", "method", "timestamp", "time", "success", "ok", "state", "param",
    "request_id", "requestId", "trace_id", "traceId", "id", "object", "object_type", "extensions",
    "locations", "retryable", "model", "model_name", "modelName", "model_version", "version",
    "Message", "Code", "__type", "errorType", "error_type",
)  # fmt: skip
_ENVELOPE = frozenset((*_TEXTS, *_CODES, *_ERRORS, *_OBJECTS, *_ELSE))
SIGNS = frozenset((*_TEXTS, *_CODES, *_ERRORS, *_OBJECTS, "Message", "state"))
_FAILED = frozenset(("error", "failed", "failure", "exception"))
_NO_ERROR = frozenset(("", "0", "none", "no", "null", "nil", "ok", "no error", "success", "false"))
_EMPTY: tuple[object, ...] = (None, "", [], {})


def failure(document: object) -> str:
    """Which member of an answer says that it is a failure; empty if it is none."""
    if type(document) is dict:
        return _of_object(document, nested=False)
    if type(document) is list:
        return _of_rows(document)
    return ""


def _of_rows(rows: list[object]) -> str:
    """If each one is a failure."""
    found = ""
    for row in rows[:MAX_ROWS]:
        found = _of_object(row, nested=True) if type(row) is dict else ""
        if not found:
            return ""
    return found


def _of_object(document: dict[str, object], *, nested: bool) -> str:
    said = {key: value for key, value in document.items() if value not in _EMPTY}
    if SIGNS.isdisjoint(said):
        return "" if nested else _inside(said)
    if not _ENVELOPE.issuperset(said):
        return ""
    found = _sign(said)
    return found or ("" if nested else _inside(said))


def _inside(said: dict[str, object]) -> str:
    """Of an object around the one that says it: `{"predictions": [{"error": "…"}]}`."""
    if len(said) != 1:
        return ""
    [(key, value)] = said.items()
    found = ""
    if type(value) is dict:
        found = _of_object(value, nested=True)
    elif type(value) is list:
        found = _of_rows(value)
    return f"{key[:64]}.{found}" if found else ""


def _sign(said: dict[str, object]) -> str:
    """The member that says it, of an answer that is nothing but an envelope."""
    text = any(_is_text(said.get(key)) for key in (*_TEXTS, "Message"))
    for key in _ERRORS:
        if key in said and (_is_error(said[key]) or (said[key] is True and text)):
            return key
    for key in _OBJECTS:
        if type(said.get(key)) is dict and _is_error(said[key]):
            return key
    for key in (*_CODES, "Code"):
        if key in said and text and _is_code(said[key]):
            return key
    for key in ("status", "state"):
        value = said.get(key)
        word = value.strip().lower() if type(value) is str else ""
        if word in _FAILED and (text or (key, word) == ("status", "error")):
            return key
    for key in ("success", "ok"):
        if said.get(key) is False and text:
            return key
    return "detail" if _is_detail(said) else ""


def _is_error(value: object) -> bool:
    """A text that is no number, an object or a list of such: never a number or a class."""
    if type(value) is str:
        return value.strip().lower() not in _NO_ERROR and not _is_number(value)
    if type(value) is list:
        return all(type(item) in (str, dict) and _is_error(item) for item in value[:MAX_ROWS])
    return type(value) is dict and any(type(item) in (str, dict, list) for item in value.values())


def _is_text(value: object) -> bool:
    return type(value) is str and bool(value.strip())


def _is_code(value: object) -> bool:
    """A status of HTTP that is a failure's, or a word for one."""
    if type(value) is int:
        return LEAST_ERROR <= value <= MOST_ERROR
    if type(value) is not str:
        return False
    word = value.strip().lower()
    if len(word) == len(str(LEAST_ERROR)) and word.isdecimal():
        return LEAST_ERROR <= int(word) <= MOST_ERROR
    return any(part in word for part in ("err", "fail", "exception"))


def _is_detail(said: dict[str, object]) -> bool:
    """FastAPI's: a text and nothing else, or a list of what was wrong."""
    if said.keys() != {"detail"}:
        return False
    detail = said["detail"]
    if type(detail) is list:
        return all(type(item) is dict and "msg" in item for item in detail)
    return _is_text(detail) and not _is_number(str(detail))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
