"""What a sidecar that knows nothing must find before each example's server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Case(NamedTuple):
    """One example: a folder of `examples/`."""

    name: str
    ready: str
    """A path that answers 200 once the server has its model."""
    dialects: Mapping[str, set[str]]
    """Of each route that the client asks."""
    columns: Mapping[str, tuple[set[str], set[str]]]
    """Of each model, "" if requests name none: its inputs and outputs."""
    may_refuse: frozenset[str] = frozenset()
    """Outcomes of what is not decoded, and need not be."""


PROMPT = {
    "messages",
    "prompt.characters",
    "prompt.words",
    "prompt.non_ascii",
    "prompt.media",
    "tools",
    "model",
    "temperature",
    "max_tokens",
    "stream",
}
"""Of a request to a language model; see docs/formats.md."""
SAID = {
    "finish_reason",
    "answer.characters",
    "answer.words",
    "answer.non_ascii",
    "answer.empty",
    "answer.repeated",
    "answer.refusal",
    "tool_calls",
    "tokens.prompt",
    "tokens.completion",
    "tokens.total",
    "stream.chunks",
    "stream.truncated",
}
"""Of its answer."""
EMBEDDING = "embedding"
"""Stands for the columns of its numbers, and for what is told of it in their place."""
TYPES = (
    "a_bool an_int8 an_int16 an_int32 an_int64 a_uint8 a_uint16 a_uint32 a_uint64 an_fp32 an_fp64"
)
TENSORS = {*TYPES.split(), "a_text"}
"""Of the model `types`, which gives each back."""


def numbered(name: str, size: int) -> set[str]:
    """Columns of a tensor of so many numbers a row."""
    return {f"{name}-{n}" for n in range(size)}


def back(names: set[str]) -> set[str]:
    """The outputs of a model that gives each input back."""
    return {f"{name}_back" for name in names}


IRIS = (numbered("flowers", 4), {"species", *numbered("chances", 3)})

CASES = [
    Case(
        "fastapi",
        "/docs",
        {"/predict": {"tabular"}, "/predict/batch": {"tabular"}},
        {
            "": (
                {"age", "income", "home.city", "home.rooms", "debts-0", "debts-1"},
                {"label", "score"},
            )
        },
    ),
    Case(
        "llm",
        "/health",
        {
            "/v1/chat/completions": {"openai_chat"},
            "/v1/completions": {"openai_completions"},
            "/v1/embeddings": {"openai_embeddings"},
            "/v1/responses": {"openai_responses"},
            "/v1/messages": {"anthropic_messages"},
        },
        {
            "parrot": (PROMPT, SAID),
            "parrot-words": (
                {"input.characters", "input.words", "input.non_ascii", "model"},
                {EMBEDDING},
            ),
        },
        # It closes a connection after each stream without saying so: a request may be lost.
        frozenset({"error_status"}),
    ),
    Case(
        "kserve",
        "/v2/health/ready",
        {"/v1/models/{model}:predict": {"kserve_v1"}, "/v2/models/{model}/infer": {"kserve_v2"}},
        {
            "iris-v1": (numbered("instances", 4), {"species", "chance"}),
            "iris-v2": IRIS,
            "types": ({*TENSORS, "an_fp16"}, back({*TENSORS, "an_fp16"})),
        },
    ),
    Case(
        "mlflow",
        "/ping",
        {"/invocations": {"mlflow", "csv"}},
        {"": ({"age", "income", "debt"}, {"predictions"})},
    ),
    Case(
        "mlserver",
        "/v2/models/types/ready",
        {"/v2/models/{model}/infer": {"kserve_v2"}},
        {"iris": IRIS, "types": (TENSORS, back(TENSORS))},
    ),
    Case(
        "bentoml",
        "/readyz",
        {
            "/predict": {"tabular"},
            "/sums": {"tabular"},
            "/lines": {"form"},
            # Its client asks whether the server is ready, and what it has.
            "/readyz": set(),
            "/schema.json": set(),
        },
        {
            "": (
                {"age", "income", "home.city", "home.rooms", *numbered("values", 2)}
                | {"text.filename", "text.size", "least"},
                {"score", "approved", "output", "lines"},
            )
        },
        frozenset({"empty"}),
    ),
    Case(
        "litserve",
        "/health",
        {"/predict": {"tabular"}},
        {
            "": (
                {"input.length", "input.width"},
                {"output", "probabilities.versicolor", "probabilities.virginica"},
            )
        },
    ),
    Case(
        "ollama",
        "/",
        {
            "/api/chat": {"ollama"},
            "/api/generate": {"ollama"},
            "/api/embed": {"ollama_embed"},
        },
        {
            "llama3.2": (PROMPT, SAID),
            "all-minilm": (
                {"input.characters", "input.words", "input.non_ascii", "model"},
                {EMBEDDING},
            ),
        },
    ),
]
