"""What can be said of a text without keeping it: its length, words, letters, repetition, refusal.

Rule: a text comes in and numbers come out, in bounded time: the length is exact, all else is taken
from a part of a long text, as each function says.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.decode.payload import Value

LOOKED_AT = 1 << 16
"""Characters at the beginning in which words and letters are counted."""
LAST_WORDS = 256
"""At the end, in which repetition is looked for: a model that loops does so until it is stopped,
and a loop of half as many words is seen."""
_LAST = 16 * LAST_WORDS
IN_A_ROW = 4
"""Words that are repeated together."""
BEGINNING = 256
"""Characters in which a refusal is looked for."""

REFUSALS = (
    "i can't help", "i cannot help", "i can't assist", "i cannot assist",
    "i can't provide", "i cannot provide", "i can't fulfill", "i cannot fulfill",
    "i can't comply", "i cannot comply", "i'm unable to", "i am unable to",
    "i'm not able to", "i am not able to", "i'm sorry, but", "i am sorry, but",
    "i must decline", "i won't be able to", "as an ai language model",
)  # fmt: skip
"""What models say that were trained to refuse, in English; the apostrophe may be a typographic one.
Not proof: an answer may quote it, and a refusal may use other words."""


def measures(texts: Iterable[str], name: str) -> dict[str, Value]:
    """`name.characters` (of all texts together), `name.words` and `name.non_ascii` (a share, 0 to
    1; missing of no text). The latter two are of the first LOOKED_AT characters."""
    length, kept, room = 0, [], LOOKED_AT
    for text in texts:
        length += len(text)
        if room > 0:
            kept.append(text[:room])
            room -= len(text)
    words, foreign = 0, 0
    for text in kept:
        words += len(text.split())
        if not text.isascii():
            foreign += len(text) - len(text.encode("ascii", "ignore"))
    looked_at = min(length, LOOKED_AT)
    return {
        f"{name}.characters": length,
        f"{name}.words": words,
        f"{name}.non_ascii": foreign / looked_at if looked_at else None,
    }


def repeated(text: str) -> float:
    """The share of runs of IN_A_ROW words that came before, among the last LAST_WORDS; 0 of fewer.

    Words are what white space divides: of languages that write none the answer is 0.
    """
    words = text[-_LAST:].split()[-LAST_WORDS:]
    runs = len(words) - IN_A_ROW + 1
    if runs < 2:
        return 0.0
    different = set(zip(*(words[i : i + runs] for i in range(IN_A_ROW)), strict=True))
    return 1 - len(different) / runs


def is_refusal(text: str) -> bool:
    """Whether one of REFUSALS stands in its first BEGINNING characters."""
    begins = text[:BEGINNING].lower().replace("\u2019", "'")
    return any(phrase in begins for phrase in REFUSALS)
