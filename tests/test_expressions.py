"""Places, comparisons and what is ignored: what is accepted, and what an error says."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.expressions import MAX_LIST, MAX_TEXT, Expression, Ignored, Place


@pytest.mark.parametrize(
    ("text", "of", "name", "operator", "literal"),
    [
        ("$.outputs[0].data[0] > 0.5", "response", "", ">", 0.5),
        ("request $.amount", "request", "", "", None),
        ('$.decision == "no"', "response", "", "==", "no"),
        ("$.decision == 'it is \"no\"'", "response", "", "==", 'it is "no"'),
        (r'$.a != "\u00e9\n"', "response", "", "!=", "é\n"),
        ("score>=-1e3", "", "score", ">=", -1000.0),
        ("$ < 7", "response", "", "<", 7),
        ("output predictions-0 <= 1", "output", "predictions-0", "<=", 1),
        ("  input 'my col'  ", "input", "my col", "", None),
        ("$.a == null", "response", "", "==", None),
        ("$.a == true", "response", "", "==", True),
        ("$.a in [1, 'b' ,null]", "response", "", "in", (1, "b", None)),
        ("header X-Tier == 'gold'", "header", "x-tier", "==", "gold"),
        ("query region in ['eu']", "query", "region", "in", ("eu",)),
        ("input > 1", "", "input", ">", 1),
        ("input in [1]", "", "input", "in", (1,)),
        ("input", "", "input", "", None),
        ("in == 1", "", "in", "==", 1),
    ],
)
def test_an_expression_is_read(text, of, name, operator, literal):
    made = Expression(text)
    assert (made.of, made.name, made.operator) == (of, name, operator)
    assert made.literal == literal
    assert type(made.literal) is type(literal)
    assert made == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$.a = 1", "at character 5 stands '= 1': wanted =="),
        ("$.a[0.b > 1", r"at character 4 stands '\[0.b > 1': .*the path to go on"),
        ("$.a == no", "at character 8 stands 'no': .*a text needs quotes"),
        ("$.a > .5", "at character 7 stands '.5': .*a number begins with a digit"),
        ("$.a > true", "at character 5 .*only numbers and texts have an order"),
        ("$.a > 1 and $.b > 2", "at character 9 .*one comparison, and nothing behind it"),
        ("$.a in [1", "at character 10 is the end: wanted a comma or ]"),
        ("$.a in 1", "at character 8 .*wanted a list"),
        ("$.a > 1e999", "at character 7 .*a number that a float can be"),
        ("$.a > ", "at character 7 is the end: wanted a number"),
        ('$.a == "\\x"', "at character 8 .*as JSON writes it"),
        (f"$.a == '{'x' * 256}'", "255 characters at most"),
        (f"$.a in [{'1,' * MAX_LIST}1]", f"a list of {MAX_LIST} at most"),
        ("request score", "at character 9 stands 'score': wanted a path"),
        ("input $.a", "wanted a name, as input has no paths"),
        ("", "wanted an expression like"),
        (5, "wanted an expression like"),
        ("x" * (MAX_TEXT + 1), f"of {MAX_TEXT} characters at most"),
        ("$" + ".a" * 17, "16 parts at most"),
        ("__import__('os')", "at character 11"),
    ],
)
def test_what_is_none_is_refused_at_its_character(text, told):
    with pytest.raises(ValueError, match=told):
        Expression(text)


@pytest.mark.parametrize("text", ["request $.a > 1", "header", "header x y", "$.a $.b"])
def test_a_place_is_nothing_but_a_place(text):
    if text == "header":
        assert Place(text).of == ""
        return
    with pytest.raises(ValueError, match="at character"):
        Place(text)


@pytest.mark.parametrize(
    ("text", "of", "is_path"),
    [("id", "", False), ("meta.*", "", False), ("output id", "output", False),
     ("$..id", "", True), ("request $.user.*", "request", True), ("a[0]*", "", False)],
)  # fmt: skip
def test_what_is_ignored_is_a_name_or_a_path(text, of, is_path):
    made = Ignored(text)
    assert (made.of, bool(made.steps), bool(made.pattern)) == (of, is_path, not is_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [("$.a[0]", "ends with a name or a star"), ("$", "ends with a name"), ("a*b*c*d*e*", "4 stars"),
     ("header x", "a header is no column"), ("request id", "wanted a path"), ("", "wanted a name"),
     ("input $.a", "input has no paths"), ("$.a b", "the end of the path")],
)  # fmt: skip
def test_what_cannot_be_ignored_is_told(text, told):
    with pytest.raises(ValueError, match=told):
        Ignored(text)


PARTS = ["$", ".a", "[0]", "[*]", "..", " ", "==", "<", "in", "[", "]", ",", "'", '"', "\\",
         "request ", "header ", "x", "1", "-", "true", "*"]  # fmt: skip


@pytest.mark.parametrize("kind", [Place, Expression, Ignored])
@given(text=st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text())
def test_any_text_is_one_or_refused(kind, text):
    with suppress(ValueError):
        assert kind(text) == text
