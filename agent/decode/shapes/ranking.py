"""Labels with their scores, as Hugging Face's pipelines answer: of one row a list of these.

Source: Hugging Face's "Inference Providers" (text, zero-shot, image and audio classification). The
list is the best first, or in the model's order. Columns: `label`, the best one, and `scores.LABEL`
of each; where each row has but one, `label` and `score`.
"""

from __future__ import annotations

from agent.decode.payload import Side, from_rows

_PAIR = {"label", "score"}


def ranked(document: list[object], rows: int) -> Side | None:
    """The columns of an answer to `rows` rows; None if it is no such list for each of them."""
    first = document[0] if document else None
    if isinstance(first, list):
        each: list[object] = document
    elif isinstance(first, dict) and first.keys() == _PAIR and len(document) > 1:
        each = [document]
    else:
        return None
    if len(each) != rows or not all(map(_is_ranking, each)):
        return None
    is_one = all(len(one) == 1 for one in each)  # type: ignore[arg-type]
    found = [one[0] if is_one else _row(one) for one in each]  # type: ignore[index, arg-type]
    return from_rows(found, "output")


def _is_ranking(one: object) -> bool:
    """Whether it is a list of labels, no two the same, with scores."""
    if not isinstance(one, list) or not one:
        return False
    for pair in one:
        if not isinstance(pair, dict) or pair.keys() != _PAIR:
            return False
        if not isinstance(pair["label"], str) or not isinstance(pair["score"], (int, float)):
            return False
    return len({pair["label"] for pair in one}) == len(one)


def _row(pairs: list[dict[str, object]]) -> dict[str, object]:
    best = max(pairs, key=lambda pair: pair["score"])  # type: ignore[arg-type, return-value]
    return {"label": best["label"], "scores": {pair["label"]: pair["score"] for pair in pairs}}
