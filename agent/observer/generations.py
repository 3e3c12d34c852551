"""What language models were asked and how fast they answered, as OpenTelemetry's gen_ai metrics.

Rule: made of the exchanges that were decoded, so of the sampled ones; only those of the dialects
below come here. Bounded: `MAX_SERIES` sets of labels, the rest counts as `other`.

Theory. The first token is taken for the first event of a stream: some APIs send one before it,
with a role and no text. An answer in one piece has neither of the two times. Time per output token
is (duration − time to first token) / (output tokens − 1), as the conventions define it; of a stream
that somebody ended, or that came in one read, there is none.

Source: OpenTelemetry's semantic conventions for generative AI metrics, with their buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

from agent.decode.payload import Columns, Payload, Value
from agent.exchange import Exchange
from agent.ledger import OTHER, Histogram
from agent.signals.catalog import FIRST_TOKEN, OUTPUT_TOKEN, TOKENS, TRUNCATED
from agent.signals.metrics import counter, histograms

MAX_SERIES = 256
"""Of operation, provider, model and route."""
CHAT, COMPLETION, EMBEDDINGS = "chat", "text_completion", "embeddings"
LANGUAGE: Mapping[str, tuple[str, str]] = {
    "openai_chat": (CHAT, "openai"),
    "openai_responses": (CHAT, "openai"),
    "openai_completions": (COMPLETION, "openai"),
    "openai_embeddings": (EMBEDDINGS, "openai"),
    "anthropic_messages": (CHAT, "anthropic"),
    "bedrock_converse": (CHAT, "aws.bedrock"),
    "gemini": ("generate_content", "gcp.gemini"),
    "ollama": (CHAT, "ollama"),
    "ollama_embed": (EMBEDDINGS, "ollama"),
    "tgi": (COMPLETION, "huggingface"),
}
"""Operation and provider of each: who else speaks an API is taken for its maker. The names are the
conventions', of those that they know."""
FIRST_TOKEN_BOUNDS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
OUTPUT_TOKEN_BOUNDS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
)  # fmt: skip
TOKEN_BOUNDS = tuple(float(4**n) for n in range(14))


class Kind(NamedTuple):
    """Labels."""

    operation: str
    provider: str
    model: str
    route: str


class _Figures:
    """Of one kind."""

    def __init__(self) -> None:
        self.first_token = _empty(FIRST_TOKEN_BOUNDS)
        self.output_token = _empty(OUTPUT_TOKEN_BOUNDS)
        self.tokens = {"input": _empty(TOKEN_BOUNDS), "output": _empty(TOKEN_BOUNDS)}
        self.truncated = 0


class Generations:
    """Counts since the observer began."""

    def __init__(self) -> None:
        self._figures: dict[Kind, _Figures] = {}

    def add(self, x: Exchange, dialect: str, payload: Payload) -> None:
        """One exchange of one of `LANGUAGE`; its payload has passed redaction."""
        figures = self._of(Kind(*LANGUAGE[dialect], payload.model, x.route))
        outputs = payload.outputs
        asked, answered = _one(outputs, "tokens.prompt"), _one(outputs, "tokens.completion")
        tokens = figures.tokens
        if isinstance(asked, int):
            tokens["input"] = _with(tokens["input"], asked)
        if isinstance(answered, int):
            tokens["output"] = _with(tokens["output"], answered)
        if _one(outputs, "stream.truncated") and not x.error:
            figures.truncated += 1
        if not x.streamed or x.first_piece < 0:
            return
        figures.first_token = _with(figures.first_token, x.first_piece)
        rest = x.upstream + x.stream - x.first_piece
        if isinstance(answered, int) and answered > 1 and not x.error and x.largest_gap > 0:
            figures.output_token = _with(figures.output_token, max(rest, 0.0) / (answered - 1))

    def _of(self, kind: Kind) -> _Figures:
        figures = self._figures.get(kind)
        if figures is None:
            if len(self._figures) >= MAX_SERIES:
                kind = kind._replace(model=OTHER, route=OTHER)
            figures = self._figures.setdefault(kind, _Figures())
        return figures

    def collect(self) -> Iterator[Metric]:
        """Families of this moment."""
        found = self._figures
        yield histograms(FIRST_TOKEN, {kind: each.first_token for kind, each in found.items()})
        yield histograms(OUTPUT_TOKEN, {kind: each.output_token for kind, each in found.items()})
        tokens = {
            (type_, *kind): histogram
            for kind, each in found.items()
            for type_, histogram in each.tokens.items()
        }
        yield histograms(TOKENS, tokens)
        truncated: Counter[tuple[str, str]] = Counter()
        for kind, each in found.items():
            truncated[kind.route, kind.model] += each.truncated
        yield counter(TRUNCATED, truncated)


def _empty(bounds: tuple[float, ...]) -> Histogram:
    return Histogram(bounds, [0] * (len(bounds) + 1), 0.0)


def _with(histogram: Histogram, value: float) -> Histogram:
    """The same with one value more."""
    histogram.counts[bisect_left(histogram.bounds, value)] += 1
    return histogram._replace(sum=histogram.sum + value)


def _one(columns: Columns, name: str) -> Value:
    """The value of a column of one row."""
    values = columns.get(name, ())
    return values[0] if len(values) == 1 else None
