"""Rows that no sketch saw although the model scored them: how many, and why.

Rule: what is not counted evenly is said. A uniform sample (`capture.sample_ratio`) leaves nothing
out in this sense: which rows are missing has nothing to do with what they say. Requests that were
too large or could not be read do, so above `CAVEAT` verdicts are told with their share.

Of a request that was not read the number of rows is not known: it counts as one, so a share of
batch requests is a lower bound.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

Reason = Literal[
    "too_large", "not_decoded", "answer_not_decoded", "budget", "shed", "version_unknown"
]
"""`too_large`: of the body only head and tail were copied, or its cells are too many.
`not_decoded`: no dialect, or damaged. `answer_not_decoded`: the predictions of a request whose
inputs were seen. `budget`: capture.budget was used up. `shed`: overload. `version_unknown`: the
same where several versions answer, so that the inputs belong to none.
Rows of models beyond the bounds are counted by the monitor, as `skipped`; of versions beyond them
as `version_skipped`."""

CAVEAT = 0.01
"""Share above which a verdict is told with a caveat."""
RECENT = 10_000
"""Rows over which the share is taken; older ones weigh less and less."""

WORDS: dict[str, str] = {
    "too_large": "too large a body",
    "not_decoded": "a body that could not be read",
    "answer_not_decoded": "an answer that could not be read",
    "budget": "no memory left for copies (capture.budget)",
    "shed": "too much load",
    "version_unknown": "want of their version in the answer",
}
"""For people: rows by why they were not seen."""

REASONS: dict[str, Reason] = {
    "too_large": "too_large",
    "unsupported": "not_decoded",
    "malformed": "not_decoded",
    "inputs_only": "answer_not_decoded",
    "not_captured_budget": "budget",
}
"""Of decode's outcomes those that leave out a row that was scored. Not among them: `empty` (no
rows), `error_status` (not scored), and what the user left out: `unsampled`, `off`."""


class Unseen:
    """The count of one model's."""

    def __init__(self) -> None:
        self.by_reason: Counter[Reason] = Counter()
        """Rows since the start."""
        self._seen = self._missed = 0.0

    def see(self, rows: int) -> None:
        """Rows that were counted."""
        self._seen += rows
        if self._seen > RECENT:
            self._fade()

    def miss(self, reason: Reason, rows: int = 1) -> None:
        """Rows that were not."""
        self.by_reason[reason] += rows
        self._missed += rows
        if self._missed > RECENT:
            self._fade()

    def share(self) -> float:
        """Of the recent rows, 0 to 1; 0 if there were none."""
        both = self._seen + self._missed
        return self._missed / both if both else 0.0

    def caveat(self) -> str:
        """What to say beside a verdict; empty if the share is small."""
        share = self.share()
        if share <= CAVEAT:
            return ""
        most = self.by_reason.most_common(1)[0][0]
        return (
            f"{share:.1%} of the recent rows were not seen (mostly {most}): the verdicts speak "
            f"of the others"
        )

    def told(self) -> str:
        """All reasons in words, the most frequent first, with the rows since the start."""
        most = self.by_reason.most_common()
        return "; ".join(f"{rows:,} for {WORDS[reason]}" for reason, rows in most)

    def _fade(self) -> None:
        self._seen /= 2
        self._missed /= 2
