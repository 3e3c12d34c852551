"""What a rule names: a place in a JSON document, or a regular expression.

Rule: as `settings.units`: a subclass of the text that stands in the file; it raises `ValueError`
that says what it wanted. Nothing is accepted that could cost more than its input is long, times
WIDEST.

A path is a part of RFC 9535 (JSONPath): `$`, then `.name` or `['name']`, `[*]` or `.*` for each
item, `[0]` for one, and `..` before any of them for any depth.
"""

from __future__ import annotations

import importlib
import re
import warnings
from typing import Any, ClassVar, NamedTuple

MAX_STEPS = 16
WIDEST = 1024
"""Ways in which the repeats of a regular expression may end at one place, together; also how many
characters an unbounded one is taken for."""

_STEP = re.compile(
    r"(?P<deep>\.\.)?\[(?:(?P<index>\d{1,9})|\*|'(?P<quoted>[^']+)')\]"
    r"|(?P<dots>\.\.?)(?:(?P<name>[^\W\d][\w-]*)|\*)"
)


class Step(NamedTuple):
    """One part of a path."""

    key: str | int | None
    """A name or a place in a list; None: any."""
    deep: bool
    """At any depth below."""


class JsonPath(str):
    """Which values of a JSON document are meant."""

    WANTED: ClassVar[str] = "a path like $.user.name, $..email, $.rows[*].ssn or $['a b']"
    steps: tuple[Step, ...]

    def __new__(cls, value: object) -> JsonPath:
        steps, end = steps_of(value) if isinstance(value, str) else ((), 0)
        if not steps or end < len(str(value)) or len(steps) > MAX_STEPS:
            raise ValueError(f"wanted {cls.WANTED}, of {MAX_STEPS} parts at most")
        path = super().__new__(cls, value)
        path.steps = steps
        return path


def steps_of(text: str, at: int = 0) -> tuple[tuple[Step, ...], int]:
    """The path that begins at `at`, as far as it is one, and where it ends; of no steps: `$`.

    The end is `at` where there is none.
    """
    if text[at : at + 1] != "$":
        return (), at
    steps: list[Step] = []
    at += 1
    while found := _STEP.match(text, at):
        key: str | int | None = found["name"] or found["quoted"]
        if found["index"]:
            key = int(found["index"])
        steps.append(Step(key, ".." in (found["deep"], found["dots"])))
        at = found.end()
    return tuple(steps), at


class Regex(str):
    """A regular expression whose cost is bounded; Python's syntax."""

    WANTED: ClassVar[str] = r"a regular expression like EMP-\d{6}"
    compiled: re.Pattern[str]

    def __new__(cls, value: object) -> Regex:
        if not isinstance(value, str) or not value or len(value) > WIDEST:
            raise ValueError(f"wanted {cls.WANTED}, of {WIDEST} characters at most")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of what will mean something else one day: [[a]]
                compiled = re.compile(value)
            width = _width(importlib.import_module("re._parser").parse(value), repeated=False)
        except (re.error, RecursionError, OverflowError, Warning) as error:
            raise ValueError(f"wanted {cls.WANTED} ({error})") from None
        if compiled.match(""):
            raise ValueError(f"wanted {cls.WANTED}, that does not find nothing at all")
        if width > WIDEST:
            raise ValueError(
                r"repeats too much after one another: one * or + at most, write {1,20} for others"
            )
        pattern = super().__new__(cls, value)
        pattern.compiled = compiled
        return pattern


def _width(parsed: Any, *, repeated: bool) -> int:
    """In how many ways what is parsed may end, by its repeats. Raises ValueError.

    In what is repeated itself any choice would double with each turn: `(a+)+`, `(a|aa)*`.
    """
    width = 1
    for operator, argument in parsed:
        name = str(operator)
        if name.endswith("_REPEAT"):
            low, high, inner = argument
            many = min(int(high), WIDEST + int(low)) - int(low) + 1
            if repeated and many > 1:
                raise ValueError("a repeat in what is repeated, as in (a+)+: take one of them out")
            width *= (many - 1 or 1) if many > WIDEST else many
            width *= _width(inner, repeated=repeated or int(high) > 1)
        elif name == "BRANCH":
            if repeated:
                raise ValueError(
                    "a choice in what is repeated, as in (a|ab)*: take it out of there"
                )
            width *= sum(_width(branch, repeated=False) for branch in argument[1])
        elif name in ("SUBPATTERN", "ATOMIC_GROUP"):
            inner = argument[-1] if name == "SUBPATTERN" else argument
            width *= _width(inner, repeated=repeated)
        elif name.startswith(("ASSERT", "GROUPREF")):
            if not name.startswith("ASSERT"):
                raise ValueError("a reference to a group, whose cost has no bound: take it out")
            width *= _width(argument[1], repeated=repeated)
    return width
