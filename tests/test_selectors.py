"""Paths and regular expressions of rules: what is accepted, and what costs too much."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.selectors import JsonPath, Regex, Step


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.a.b", [("a", False), ("b", False)]),
        ("$..name", [("name", True)]),
        ("$.a[*].b", [("a", False), (None, False), ("b", False)]),
        ("$[0].x", [(0, False), ("x", False)]),
        ("$['a b'].c", [("a b", False), ("c", False)]),
        ("$..[*]", [(None, True)]),
        ("$.*", [(None, False)]),
        ("$..['x y']", [("x y", True)]),
        ("$.a-b_c", [("a-b_c", False)]),
    ],
)
def test_a_path_is_read(path, steps):
    assert JsonPath(path).steps == tuple(Step(*step) for step in steps)


@pytest.mark.parametrize(
    "path",
    ["", "$", "a.b", "$a", "$.", "$..", "$.a[", "$.a.[0]", "$[a]", "$.a b", "$.a..", "$.1",
     "$" + ".a" * 17, 5, None, "$[?(@.a)]", "$.a[1:2]"],
)  # fmt: skip
def test_what_is_no_path_of_this_part_is_refused(path):
    with pytest.raises(ValueError, match=r"wanted a path like \$\.user\.name"):
        JsonPath(path)


@given(st.text(st.sampled_from("$.[]'*a0 ")) | st.text())
def test_any_text_is_a_path_or_refused(text):
    with suppress(ValueError):
        assert JsonPath("$" + text).steps


@pytest.mark.parametrize(
    "pattern",
    [r"EMP-\d{6}", r"EMP-\d+", r"[A-Z]{2,3}\d{1,20}", r"(?:\d{4}-){3}", "a|bc|d", "(?i)cust[0-9]+",
     r"\bX\d*", "(?P<a>x+)y", r"(?<=id=)\w+", "(?:a|b)+"],
)  # fmt: skip
def test_a_regular_expression_of_bounded_cost_is_accepted(pattern):
    assert Regex(pattern).compiled.pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+", "a repeat in what is repeated"),
        ("(.*)*x", "a repeat in what is repeated"),
        (r"(\d{1,3}){2,9}", "a repeat in what is repeated"),
        ("(?:x?){5}y", "a repeat in what is repeated"),
        ("((ab)?c)*d", "a repeat in what is repeated"),
        ("(?=(a+)+)b", "a repeat in what is repeated"),
        ("(a|aa)*x", "a choice in what is repeated"),
        (r"\w+@\w+", "one [*] or [+] at most"),
        ("a+b+c", "one [*] or [+] at most"),
        ("[a-z]{1,40}[a-z]{1,40}", "one [*] or [+] at most"),
        (r"(a)\1", "a reference to a group"),
        ("a*", "does not find nothing"),
        ("(", "missing"),
        ("[[a]", "nested set"),
        ("", "wanted a regular expression"),
        ("a" * 2000, "of 1024 characters at most"),
        (7, "wanted a regular expression"),
    ],
)
def test_one_that_could_cost_more_is_refused_with_what_to_change(pattern, why):
    with pytest.raises(ValueError, match=why):
        Regex(pattern)


@given(st.text(st.sampled_from(r"a.()[]{}*+?|\d1,^$:=<>!P"), max_size=30))
def test_any_text_is_a_regular_expression_or_refused(text):
    with suppress(ValueError):
        assert Regex(text).compiled.search("") is None
