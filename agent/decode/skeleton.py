"""The shape of a document's beginning: names and kinds, without a value.

Rule: as in `outline`: grammar is followed strictly and at the first byte that is not JSON it ends,
so that a quote too few does not make a name of a value; names that look like none are a mark.
Bounded in what is read, how deep, and how much is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.decode.outline import MAX_KEYS, SEEN, TOKEN, UNSHOWN, shown_name

MAX_DEPTH = 16
MAX_SHOWN = 400
"""Characters."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = {b"true": "boolean", b"false": "boolean", b"null": "null"}


class _Cut(Exception):
    """It ends here, or is no JSON from here on."""


def skeleton(begin: bytes) -> str:
    """As `{age: number, tags: [text, …]}`: of a list the first item, … for what is left out; empty
    if it is no object and no list."""
    tokens = _tokens(begin[:SEEN])
    out: list[str] = []
    try:
        first = next(tokens)
        if first not in (b"{", b"["):
            return ""
        _value(first, tokens, out, 0)
    except _Cut:  # nothing is shown of what has not even begun
        out.append(UNSHOWN if out else "")
    text = "".join(out)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + UNSHOWN


def _tokens(begin: bytes) -> Iterator[bytes]:
    at = 0
    while found := TOKEN.match(begin, at):
        at = found.end()
        yield found[1]
    raise _Cut


def _value(token: bytes, tokens: Iterator[bytes], out: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Cut
    if token == b"{":
        _object(tokens, out, depth)
    elif token == b"[":
        _list(tokens, out, depth)
    elif token.startswith(b'"'):
        out.append("text")
    elif token in _WORDS:
        out.append(_WORDS[token])
    elif _NUMBER.fullmatch(token):
        out.append("number")
    else:
        raise _Cut


def _object(tokens: Iterator[bytes], out: list[str], depth: int) -> None:
    out.append("{")
    token, keys = next(tokens), 0
    while token != b"}":
        if not token.startswith(b'"') or next(tokens) != b":":
            raise _Cut
        keys += 1
        into = out if keys <= MAX_KEYS else []
        into.append(f"{', ' if keys > 1 else ''}{shown_name(token[1:-1])}: ")
        _value(next(tokens), tokens, into, depth + 1)
        token = _after(tokens, b"}")
    out.append(f", {UNSHOWN}}}" if keys > MAX_KEYS else "}")


def _list(tokens: Iterator[bytes], out: list[str], depth: int) -> None:
    out.append("[")
    token, items = next(tokens), 0
    while token != b"]":
        items += 1
        if items == 2:
            out.append(f", {UNSHOWN}")
        _value(token, tokens, out if items == 1 else [], depth + 1)
        token = _after(tokens, b"]")
    out.append("]")


def _after(tokens: Iterator[bytes], end: bytes) -> bytes:
    """What follows a comma, or the end."""
    token = next(tokens)
    if token == end:
        return end
    if token != b"," or (token := next(tokens)) == end:
        raise _Cut
    return token
