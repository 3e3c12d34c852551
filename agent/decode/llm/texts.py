"""Lists of texts in a request, each a row: prompts, and what is to be embedded.

A text may be given as the ids of its tokens (OpenAI's API reference, `input` and `prompt`).
"""

from __future__ import annotations

from agent.decode.llm.wording import measures
from agent.decode.payload import Columns, Refused, Value

MAX_ROWS = 4096
"""Texts of one request; one of more is refused."""
NEITHER = "it is neither a text nor ids of tokens, nor a list of such"
Text = str | list[object]


def texts_of(value: object) -> list[Text]:
    """The texts, each a string or a list of ids. Raises Refused."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise Refused("empty" if value == [] else "unsupported", NEITHER)
    kinds = set(map(type, value))
    if kinds == {int}:
        return [value]
    if not kinds <= {str, list}:
        raise Refused("unsupported", NEITHER)
    if len(value) > MAX_ROWS:
        raise Refused("too_large", f"it has more than {MAX_ROWS} texts")
    return value


def columns_of(texts: list[Text], name: str) -> Columns:
    """Their measures, and `name.tokens` of those that are ids; None where a row has none.

    A column that no row has is left out.
    """
    rows: list[dict[str, Value]] = [
        measures([one], name) if isinstance(one, str) else {f"{name}.tokens": len(one)}
        for one in texts
    ]
    names = dict.fromkeys(key for one in rows for key, value in one.items() if value is not None)
    return {key: [one.get(key) for one in rows] for key in names}
