"""Streams of answers as models really give them, and ways in which they break."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from agent.decode.payload import Payload
from agent.quality.findings import News
from agent.quality.monitor import Quality

ROWS = 20_000
SECONDS = 0.18
"""Between two requests: an hour of ROWS."""


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def payload(
    inputs: Mapping[str, Sequence[Any]], outputs: Mapping[str, Sequence[Any]], **more: Any
) -> Payload:
    rows = max(map(len, inputs.values()), default=1)
    answered = max(map(len, outputs.values()), default=0)
    made = {"rows": rows, "output_rows": answered, "first": (b"r1", b""), **more}
    return Payload("m", "", "", {**inputs}, {**outputs}, left_out=0, **made)


def features(rng: np.random.Generator, rows: int = ROWS) -> Any:
    return rng.normal(size=(rows, 4)).round(3)


def answered(asked: Any, answers: Iterable[Mapping[str, Any]]) -> Iterator[Payload]:
    """A request a row."""
    names = [f"f{n}" for n in range(len(asked[0]))]
    for row, answer in zip(np.asarray(asked).tolist(), answers, strict=False):
        yield payload(
            {name: (value,) for name, value in zip(names, row, strict=True)},
            {name: (value,) for name, value in answer.items()},
        )


def run(quality: Quality, stream: Iterable[Payload], clock: Clock) -> list[News]:
    """All of it, with a tick each 300 requests or so; what is news."""
    news: list[News] = []
    for n, one in enumerate(stream):
        quality.add(one)
        clock.now += SECONDS
        if n % 300 == 0:
            quality.tick()
            news += quality.take_news()
    quality.tick()
    return news + quality.take_news()


def found(stream: Iterable[Payload]) -> list[News]:
    clock = Clock()
    return run(Quality(clock), stream, clock)


# ---- what is right


def logits(asked: Any) -> Any:
    return asked @ np.array([1.0, -0.7, 0.4, 0.2])


def shares(asked: Any) -> Any:
    return 1 / (1 + np.exp(-logits(asked)))


def regression(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(asked, [{"predictions": value} for value in logits(asked).tolist()])


def rounded(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(asked, [{"predictions": round(value, 1)} for value in logits(asked).tolist()])


def cut_off_at_zero(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(asked, [{"predictions": max(0.0, v - 3)} for v in logits(asked).tolist()])


def capped(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(asked, [{"predictions": min(0.95, v)} for v in shares(asked).tolist()])


def saturated(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    sure = 1 / (1 + np.exp(-30 * logits(asked)))
    return answered(asked, [{"p-0": v, "p-1": 1 - v} for v in sure.tolist()])


def binary(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(
        asked, [{"predictions-0": 1 - v, "predictions-1": v} for v in shares(asked).tolist()]
    )


def rare_class(rng: np.random.Generator) -> Iterator[Payload]:
    hits = rng.random(ROWS) < 0.002
    return answered(features(rng), [{"predictions": int(hit)} for hit in hits.tolist()])


def rare_class_as_float(rng: np.random.Generator) -> Iterator[Payload]:
    hits = rng.random(ROWS) < 0.001
    return answered(features(rng), [{"predictions": float(hit)} for hit in hits.tolist()])


def rare_label(rng: np.random.Generator) -> Iterator[Payload]:
    hits = rng.random(ROWS) < 0.01
    return answered(features(rng), [{"label": "spam" if hit else "ham"} for hit in hits.tolist()])


def one_leaf(rng: np.random.Generator) -> Iterator[Payload]:
    """A small tree, nearly all of whose rows are in one leaf."""
    leaves = rng.choice([0.0123, 0.4, 0.77], p=[0.98, 0.015, 0.005], size=ROWS)
    return answered(features(rng), [{"predictions": leaf} for leaf in leaves.tolist()])


def many_leaves(rng: np.random.Generator) -> Iterator[Payload]:
    leaves = rng.random(200)[rng.integers(0, 200, size=ROWS)]
    return answered(features(rng), [{"predictions": leaf} for leaf in leaves.tolist()])


def softmax(rng: np.random.Generator) -> Iterator[Payload]:
    rows = rng.dirichlet([0.3] * 8, size=ROWS).tolist()
    return answered(
        features(rng), [{f"probabilities-{n}": v for n, v in enumerate(row)} for row in rows]
    )


def rounded_softmax(rng: np.random.Generator) -> Iterator[Payload]:
    """Their sums are off by up to a few hundredths, always."""
    rows = rng.dirichlet([0.3] * 8, size=ROWS).round(2).tolist()
    return answered(features(rng), [{f"p-{n}": v for n, v in enumerate(row)} for row in rows])


def by_class(rng: np.random.Generator) -> Iterator[Payload]:
    rows = rng.dirichlet([0.5] * 3, size=ROWS).round(4).tolist()
    return answered(
        features(rng),
        [
            {"label": "abc"[row.index(max(row))], **dict(zip("abc", row, strict=True))}
            for row in rows
        ],
    )


def multi_label(rng: np.random.Generator) -> Iterator[Payload]:
    rows = rng.random((ROWS, 5)).tolist()
    return answered(features(rng), [{f"scores-{n}": v for n, v in enumerate(row)} for row in rows])


def label_and_score(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(
        asked,
        [
            {"label": "A" if v > 0.5 else "B", "score": max(v, 1 - v)}
            for v in shares(asked).tolist()
        ],
    )


def extras(rng: np.random.Generator) -> Iterator[Payload]:
    """What else a server tells: thresholds, versions, empty errors, counts that rest at night."""
    asked = features(rng)
    return answered(
        asked,
        [
            {
                "prediction": value,
                "threshold": 0.5 if n < ROWS / 2 else 0.45,
                "model_version": "1.2",
                "queue": n % 7 if n < ROWS / 2 else 0,
                "cached": False,
                "error": None,
                "explanation": "x" if n % 5 else None,
                "lower": None if n % 3 else value - 1,
            }
            for n, value in enumerate(logits(asked).tolist())
        ],
    )


def abstains(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    values = zip(rng.random(ROWS), logits(asked).tolist(), strict=True)
    return answered(asked, [{"predictions": None if u < 0.03 else v} for u, v in values])


def log_probabilities(rng: np.random.Generator) -> Iterator[Payload]:
    return answered(
        features(rng),
        [{"p-0": -math.inf if u < 0.1 else -u, "p-1": -3 * u} for u in rng.random(ROWS).tolist()],
    )


def reconstruction_error(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    return answered(asked, [{"error": abs(value)} for value in logits(asked).tolist()])


def days_and_nights(rng: np.random.Generator) -> Iterator[Payload]:
    """A solar plant: exactly nothing at night, for thousands of rows."""
    by_day = (np.arange(ROWS) // 4000) % 2 == 0
    light = np.where(by_day, rng.random(ROWS) * 800, 0.0)
    asked = np.stack([light.round(1), rng.normal(15, 8, ROWS).round(2), np.arange(ROWS)], axis=1)
    return answered(asked, [{"predictions": 0.2 * v + 0.1 * v**0.5} for v in light.tolist()])


def low_risk_batches(rng: np.random.Generator) -> Iterator[Payload]:
    quiet = (np.arange(ROWS) // 3000) % 2 == 1
    risk = np.where(quiet, rng.random(ROWS) * 0.3, rng.random(ROWS))
    asked = np.stack([risk.round(3), rng.normal(size=ROWS).round(3)], axis=1)
    return answered(asked, [{"predictions": int(value > 0.6)} for value in risk.tolist()])


def load_test(rng: np.random.Generator) -> Iterator[Payload]:
    """The same request for thousands of times, in the midst of others."""
    asked = features(rng)
    asked[5000:9000] = asked[5000]
    return answered(asked, [{"predictions": value} for value in logits(asked).tolist()])


def three_requests(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng, 3)[rng.integers(0, 3, ROWS)]
    return answered(asked, [{"predictions": value} for value in logits(asked).tolist()])


def shifted_tree(rng: np.random.Generator) -> Iterator[Payload]:
    asked = features(rng)
    asked[ROWS // 2 :, 0] += 3
    leaves = np.floor(np.clip(asked[:, 0], -4, 5) * 2) / 10 + 0.03
    return answered(asked, [{"predictions": leaf} for leaf in leaves.tolist()])


def aggregates(rng: np.random.Generator) -> Iterator[Payload]:
    for rows in rng.random((ROWS // 4, 8)).tolist():
        yield payload({"x": rows}, {"mean": (sum(rows),)})


def rankings(rng: np.random.Generator) -> Iterator[Payload]:
    for rows in rng.integers(2, 20, ROWS // 4).tolist():
        best = sorted(rng.random(min(rows, 5)).tolist())
        yield payload({"x": rng.random(rows).tolist()}, {"item": range(len(best)), "score": best})


def batches(rng: np.random.Generator) -> Iterator[Payload]:
    for rows in rng.integers(1, 60, ROWS // 25).tolist():
        values = rng.random(rows).tolist()
        yield payload({"x": values}, {"predictions": [v * 1.3 for v in values]})


def boxes(rng: np.random.Generator) -> Iterator[Payload]:
    """A detector: none, one or several an image."""
    for n in rng.integers(0, 5, ROWS).tolist():
        outputs = {"x": rng.random(n).tolist(), "label": ["cat"] * n} if n else {}
        yield payload({"w": (640,), "s": (n / 7,)}, outputs)


def best_of_many(rng: np.random.Generator) -> Iterator[Payload]:
    """Other names in each answer."""
    for n in range(ROWS):
        picked = rng.integers(0, 40, 3).tolist()
        yield payload({"x": (n,)}, {f"class{c}": (0.2 + c / 100,) for c in picked})


def chats(rng: np.random.Generator) -> Iterator[Payload]:
    for n in rng.integers(1, 900, ROWS).tolist():
        said = {"finish_reason": ("stop",), "answer.characters": (n,), "answer.refusal": (False,)}
        yield payload({"messages": (2,)}, {**said, "tool_calls": (0,), "tokens.prompt": (None,)})


def lists_of_any_length(rng: np.random.Generator) -> Iterator[Payload]:
    """A few are far longer than all before."""
    for length in rng.geometric(0.35, ROWS).tolist():
        scores = rng.random(length).tolist()
        yield payload({"x": (length / 7,)}, {f"v-{n}": (v,) for n, v in enumerate(scores)})


def nested_lists_of_any_length(rng: np.random.Generator) -> Iterator[Payload]:
    """By night a request a second, by day many: a look is at one row, or at hundreds."""
    for n, length in enumerate(rng.geometric(0.5, ROWS).tolist()):
        many = 1 if n < ROWS / 2 else 30
        lengths = [length, *rng.geometric(0.5, many - 1).tolist()] if many > 1 else [length]
        widest = max(lengths)
        columns = {
            f"boxes-{k}.{side}": [rng.random() if k < own else None for own in lengths]
            for k in range(widest)
            for side in "xy"
        }
        if n % 10 == 0:
            yield payload({"x": [length / 7] * len(lengths)}, columns)


def rare_class_with_threshold(rng: np.random.Generator) -> Iterator[Payload]:
    hits = (rng.random(ROWS) < 0.0002).tolist()
    return answered(features(rng), [{"prediction": int(hit), "threshold": 0.5} for hit in hits])


def setting_that_changes(rng: np.random.Generator) -> Iterator[Payload]:
    """Early, and never again."""
    asked = features(rng)
    return answered(
        asked,
        [
            {"prediction": value, "bias": 0.5 if n < 1500 else 0.45}
            for n, value in enumerate(logits(asked).tolist())
        ],
    )


def sure_and_rounded(rng: np.random.Generator) -> Iterator[Payload]:
    """Nearly all are (1, 0, 0), and the sum of a few is off by the rounding."""
    rows = rng.dirichlet([0.004] * 3, ROWS).round(2).tolist()
    return answered(features(rng), [{f"p-{n}": v for n, v in enumerate(row)} for row in rows])


def texts_without_reasons(rng: np.random.Generator) -> Iterator[Payload]:
    """A language model that does not say why it ended; later nobody asks for much."""
    for n in range(ROWS):
        length = int(rng.integers(1, 900)) if n < ROWS / 2 else int(rng.integers(1, 3))
        said = {"answer.characters": (length,), "answer.non_ascii": (1 / 3 / length,)}
        yield payload({"x": (rng.random(),)}, {**said, "answer.refusal": (False,)})


BENIGN: tuple[Callable[[np.random.Generator], Iterator[Payload]], ...] = (
    regression, rounded, cut_off_at_zero, capped, saturated, binary, rare_class,
    rare_class_as_float, rare_label, one_leaf, many_leaves, softmax, rounded_softmax, by_class,
    multi_label, label_and_score, extras, abstains, log_probabilities, reconstruction_error,
    days_and_nights, low_risk_batches, load_test, three_requests, shifted_tree, aggregates,
    rankings, batches, boxes, best_of_many, chats, lists_of_any_length, nested_lists_of_any_length,
    rare_class_with_threshold, setting_that_changes, sure_and_rounded, texts_without_reasons,
)  # fmt: skip
