"""What a rule of a route says: where a value is, and what it is compared with.

Rule: as `agent.settings.selectors`: a subclass of the text that stands in the file, which raises
`ValueError` that says at which character and what is wanted. Nothing is evaluated as code.

    place      = [request | response] path | [input | output] name | (header | query) name
    expression = place [(== | != | < | <= | > | >=) literal | in [literal, …]]
    literal    = number | "text" | 'text' | true | false | null

A path is `settings.selectors`'; a name of other than letters, digits, `_`, `.` and `-` is quoted.
"""

from __future__ import annotations

import fnmatch
import math
import re
from typing import ClassVar, Literal, NoReturn

import msgspec

from agent.settings.selectors import MAX_STEPS, Step, steps_of

MAX_TEXT = 512
"""Characters of an expression."""
MAX_LITERAL = 255
"""Characters of a text in it: of a column's no more is kept."""
MAX_LIST = 64
MAX_STARS = 4
"""In one pattern of names."""

Scalar = float | int | str | bool | None
Of = Literal["request", "response", "input", "output", "header", "query", ""]
"""Where; empty: an output of that name, else an input."""

_WORD = re.compile(
    r"(request|response|input|output|header|query)\s+(?=[$'\"\w*?])(?!in\s*\[)", re.ASCII
)
_NAME = re.compile(r"""[^\W\d][\w.-]*|'([^']+)'|"([^"]+)\"""")
_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|in\b")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_TEXT = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_LITERAL = 'a number, "text", true, false or null'


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: object, wanted: str) -> None:
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
            raise ValueError(f"wanted {wanted}, of {MAX_TEXT} characters at most")
        self.text, self.at = text, 0
        self.space()

    def fail(self, wanted: str) -> NoReturn:
        rest = self.text[self.at : self.at + 20]
        stands = f"stands {rest!r}" if rest else "is the end"
        raise ValueError(f"at character {self.at + 1} {stands}: wanted {wanted}")

    def space(self) -> None:
        self.take(_SPACE)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What is found here, which is then behind."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def end(self, wanted: str) -> None:
        self.space()
        if self.at < len(self.text):
            self.fail(wanted)

    def word(self) -> str:
        """`request`, `header`, …, or nothing."""
        found = self.take(_WORD)
        return found[1] if found else ""

    def path(self) -> tuple[Step, ...]:
        steps, self.at = steps_of(self.text, self.at)
        if len(steps) > MAX_STEPS:
            raise ValueError(f"wanted a path of {MAX_STEPS} parts at most")
        return steps

    def literal(self) -> Scalar:
        begin = self.at
        if found := self.take(_TEXT):
            text = found[0]
            if text[0] == '"':
                try:
                    text = msgspec.json.decode(text, type=str)
                except ValueError:
                    self.at = begin
                    self.fail("a text as JSON writes it, such as \\n and not \\x")
            else:
                text = text[1:-1]
            if len(text) > MAX_LITERAL:
                self.at = begin
                self.fail(f"a text of {MAX_LITERAL} characters at most")
            return text
        if found := self.take(_NUMBER):
            number = int(found[0]) if found[0].lstrip("-").isdigit() else float(found[0])
            if len(found[0]) < MAX_LITERAL and math.isfinite(number):
                return number
            self.at = begin
            self.fail("a number that a float can be")
        for word, value in _WORDS.items():
            if re.compile(rf"{word}\b").match(self.text, begin):
                self.at += len(word)
                return value
        self.fail(f"{_LITERAL} (a text needs quotes, a number begins with a digit)")

    def literals(self) -> tuple[Scalar, ...]:
        if not self.take(_OPEN):
            self.fail('a list such as ["a", "b"]')
        found = [self.literal()]
        while not self.take(_CLOSE):
            if not self.take(_COMMA):
                self.fail("a comma or ]")
            found.append(self.literal())
        if len(found) > MAX_LIST:
            raise ValueError(f"wanted a list of {MAX_LIST} at most")
        return tuple(found)


_OPEN, _COMMA, _CLOSE = map(re.compile, (r"\[\s*", r"\s*,\s*", r"\s*\]"))


class Place(str):
    """Where a value is."""

    WANTED: ClassVar[str] = (
        "a place like request $.user.tier, $.score, input age, header x-country or query region"
    )
    of: Of
    steps: tuple[Step, ...]
    """Of a path."""
    name: str
    """Of all else; of a header field in lower case."""

    def __new__(cls, value: object) -> Place:
        reader = _Reader(value, cls.WANTED)
        place = super().__new__(cls, reader.text)
        place._read(reader)
        reader.end("the end: one place, and nothing behind it")
        return place

    def _read(self, reader: _Reader) -> None:
        word = reader.word()
        self.steps, self.name = (), ""
        if reader.text[reader.at : reader.at + 1] == "$":
            if word not in ("", "request", "response"):
                reader.fail(f"a name, as {word} has no paths")
            self.steps = reader.path()
            self.of = "request" if word == "request" else "response"
            return
        if word in ("request", "response"):
            reader.fail("a path, such as $.user.tier")
        found = reader.take(_NAME)
        if found is None:
            reader.fail(Place.WANTED)
        name = found[1] or found[2] or found[0]
        self.of = word  # type: ignore[assignment]
        self.name = name.lower() if word == "header" else name

    @property
    def is_path(self) -> bool:
        """Whether it is in a document."""
        return self.of in ("request", "response")


class Expression(Place):
    """A value, or what comes of comparing it."""

    WANTED: ClassVar[str] = 'an expression like $.score > 0.5, $.decision == "no" or input amount'
    operator: str
    """Empty: the value itself."""
    literal: Scalar | tuple[Scalar, ...]

    def __new__(cls, value: object) -> Expression:
        reader = _Reader(value, cls.WANTED)
        made = str.__new__(cls, reader.text)
        made._read(reader)
        made._compare(reader)
        return made

    def _compare(self, reader: _Reader) -> None:
        reader.space()
        begin = reader.at
        self.operator, self.literal = "", None
        if begin == len(reader.text):
            return
        found = reader.take(_OPERATOR)
        if found is None:
            on_path = ", or the path to go on as in $.a[0].b" if self.is_path else ""
            reader.fail(f"==, !=, <, <=, >, >=, in, or the end{on_path}")
        self.operator = found[0]
        reader.space()
        if self.operator == "in":
            self.literal = reader.literals()
        else:
            self.literal = reader.literal()
            if self.operator[0] in "<>" and type(self.literal) in (bool, type(None)):
                reader.at = begin
                reader.fail("== or !=: only numbers and texts have an order")
        reader.end("the end: one comparison, and nothing behind it")


class Ignored(str):
    """What is no column: names, in which `*` and `?` stand for others, or a path."""

    WANTED: ClassVar[str] = "a name like id or meta.*, input id, or a path like request $.user.id"
    of: Of
    """Empty: both sides."""
    steps: tuple[Step, ...]
    """Of a path; else empty."""
    pattern: str
    """Of names: a regular expression."""

    def __new__(cls, value: object) -> Ignored:
        reader = _Reader(value, cls.WANTED)
        made = super().__new__(cls, reader.text)
        word = reader.word()
        if word in ("header", "query"):
            raise ValueError(f"wanted {cls.WANTED}: a {word} is no column")
        made.of, made.steps, made.pattern = word, (), ""  # type: ignore[assignment]
        rest = reader.text[reader.at :].strip()
        if rest[:1] == "$":
            made.steps = _removable(reader, word)
        elif word in ("request", "response"):
            reader.fail("a path, such as $.user.id")
        elif rest.count("*") > MAX_STARS:
            reader.fail(f"{MAX_STARS} stars at most")
        else:
            made.pattern = fnmatch.translate(rest.replace("[", "[[]"))
        return made


def _removable(reader: _Reader, word: str) -> tuple[Step, ...]:
    if word in ("input", "output"):
        reader.fail(f"a name, as {word} has no paths")
    steps = reader.path()
    reader.end("the end of the path")
    if not steps or isinstance(steps[-1].key, int):
        raise ValueError(
            "wanted a path that ends with a name or a star; a value of a list is the column "
            "input-0 or alike: name that"
        )
    return steps
