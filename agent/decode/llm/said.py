"""The outputs of a language model's answer.

| column | |
|---|---|
| `finish_reason` | why it ended, in the API's words; `error` if the server says that it failed |
| `answer.characters`, `answer.words`, `answer.non_ascii` | of the first choice |
| `answer.empty` | neither text nor tool calls |
| `answer.repeated` | share of repeated runs of words (`wording.repeated`) |
| `answer.refusal` | the API says so, or one of `wording.REFUSALS` stands at the beginning |
| `tool_calls` | how many |
| `tokens.prompt`, `tokens.completion`, `tokens.total` | as the server counts; missing if it does not |
| `stream.chunks` | of a stream: pieces of text |
| `stream.truncated` | of a stream: its end mark did not come |

Of a stream of which some is missing, what needs all of it is left out: lengths, repetition, tool
calls and chunks.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable

from agent.decode.bodies.events import Document, Events
from agent.decode.llm.parts import count, mapping, name, row
from agent.decode.llm.wording import is_refusal, measures, repeated
from agent.decode.payload import Side, Value

Tokens = tuple[int | None, int | None, int | None]


class Said:
    """What is gathered of an answer, piece by piece."""

    __slots__ = ("calls", "finish", "gap", "id", "is_refused", "model", "pieces", "tokens")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        """Of its text."""
        self.calls: set[object] = set()
        """Of tools: something that is each one's own."""
        self.finish = ""
        self.is_refused = False
        """The API says so."""
        self.tokens: Tokens = (None, None, None)
        """Of the prompt, of the answer, of both."""
        self.model = self.id = ""
        self.gap: int | None = None
        """Pieces that came before those that are missing; None: none is."""

    def take_names(self, document: Document) -> None:
        """Takes the answer's id and model, if it names them."""
        self.id = self.id or name(document.get("id"))
        self.model = self.model or name(document.get("model"))

    def read(self, events: Events, take: Callable[[Document], None]) -> int | None:
        """Lets `take` see each event; gives the number of pieces that came, if it is known."""
        for event in events.head:
            take(event)
        if not events.gap:
            return len(self.pieces)
        self.gap = len(self.pieces)
        for event in events.tail:
            take(event)
        return None

    def side(self, *, truncated: bool | None = None, chunks: int | None = None) -> Side:
        """One row of outputs. `truncated`: of a stream, whether its end did not come."""
        is_whole = self.gap is None
        values: dict[str, Value] = {"finish_reason": self.finish or None}
        if is_whole:
            whole = "".join(self.pieces)
            values |= measures([whole], "answer")
            values["answer.repeated"] = repeated(whole)
            values["tool_calls"] = len(self.calls)
        said = any(map(str.strip, self.pieces))
        if is_whole or said or self.calls:
            values["answer.empty"] = not said and not self.calls
        values["answer.refusal"] = self._is_refusal()
        for key, value in zip(("prompt", "completion", "total"), self.tokens, strict=True):
            values[f"tokens.{key}"] = value
        values |= {"stream.chunks": chunks, "stream.truncated": truncated}
        return Side(row(values), 1, id=self.id, model=self.model, version=self.model)

    def _is_refusal(self) -> bool | None:
        """None: its beginning is not there."""
        begins = self.pieces[: self.gap]
        if self.is_refused or (begins and is_refusal("".join(begins))):
            return True
        return None if self.gap == 0 else False


def tokens_of(usage: object, prompt: str, completion: str) -> Tokens:
    """The counts of an object that calls them so; the total is their sum if it has none."""
    found = mapping(usage)
    asked, answered = count(found.get(prompt)), count(found.get(completion))
    total = count(found.get("total_tokens"))
    if total is None and asked is not None and answered is not None:
        total = asked + answered
    return asked, answered, total
