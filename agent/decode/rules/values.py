"""Business values: what expressions say of one exchange.

Rule: true and false are counted, numbers are summed, and what is neither is missing, with the
reason; never an exception, whatever the bytes.

Theory. Comparing is RFC 9535's: values of different types are not equal. What has no order (a text
and a number, null, NaN) is missing and not false: it says nothing of the model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.decode.payload import Columns
from agent.decode.rules.places import Places, Unfound
from agent.decode.rules.tally import Tally
from agent.settings.expressions import Expression, Scalar

Judged = bool | float | None
"""A boolean, a number, or None: it cannot be said."""
Judge = Callable[[object], Judged]
Rule = tuple[str, Expression, Judge]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def rules_of(said: Mapping[str, Expression]) -> tuple[Rule, ...]:
    """Expressions, by the names of their values, made ready."""
    return tuple((name, expression, _judge(expression)) for name, expression in said.items())


def tallies(
    rules: Sequence[Rule], places: Places, inputs: Columns, outputs: Columns
) -> list[Tally]:
    """One for each rule."""
    found = []
    for name, expression, judge in rules:
        try:
            values = places.at(expression, inputs, outputs)
        except Unfound as unfound:
            found.append(Tally(name, missing=1, why=unfound.why))
            continue
        found.append(_tally(name, [*map(judge, values)]))
    return found


def _tally(name: str, judged: Sequence[Judged]) -> Tally:
    if len(judged) == 1:
        if judged[0] is True:
            return Tally(name, 1)
        if judged[0] is False:
            return Tally(name, 0, 1)
    true = false = numbers = missing = 0
    positive = negative = 0.0
    for value in judged:
        if value is True:
            true += 1
        elif value is False:
            false += 1
        elif value is None:
            missing += 1
        else:
            numbers += 1
            if value > 0:
                positive += value
            else:
                negative -= value
    return Tally(name, true, false, numbers, positive, negative, missing, "type" if missing else "")


def _judge(expression: Expression) -> Judge:
    literal = expression.literal
    if not expression.operator:
        return _itself
    if isinstance(literal, tuple):
        return lambda value: any(_equal(value, one) for one in literal)
    if expression.operator == "==":
        return lambda value: _equal(value, literal)
    if expression.operator == "!=":
        return lambda value: not _equal(value, literal)
    return _ordered(_ORDERS[expression.operator], literal)


def _itself(value: object) -> Judged:
    if type(value) is bool:
        return value
    if type(value) is float:
        return value if value - value == 0 else None  # neither infinite nor NaN
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def _equal(value: object, literal: Scalar) -> bool:
    if type(value) is bool or type(literal) is bool:
        return value is literal
    return value == literal


def _ordered(order: Callable[[Any, Any], bool], literal: Scalar) -> Judge:
    def of_texts(value: object) -> Judged:
        return order(value, literal) if isinstance(value, str) else None

    def of_numbers(value: object) -> Judged:
        if type(value) is not float and type(value) is not int:
            return None
        return order(value, literal) if value == value else None

    return of_texts if isinstance(literal, str) else of_numbers
