"""The corpus as a whole: how many payloads, whose, and that each is taken for what it is."""

from __future__ import annotations

from collections import Counter

from agent.decode.bodies.message import Message
from agent.decode.bodies.text import content
from agent.decode.payload import Refused
from agent.decode.registry import BY_NAME, DIALECTS, NONE, decode
from tests.decode.corpus import everything

AT_LEAST = 300
OF_EACH = 3
CASES = everything()


def saying_yes(asked: Message) -> list[tuple[str, str]]:
    """Each dialect that a request would be of, and on what evidence, in the order of asking."""
    told = [(dialect.NAME, dialect.evidence(asked)) for dialect in DIALECTS]
    return [(name, evidence) for name, evidence in told if evidence]


def test_it_is_large_each_case_has_its_source_and_each_dialect_its_cases():
    of = Counter(case["dialect"] for case, _ in CASES)
    assert of.total() >= AT_LEAST, of
    assert all(case["source"].strip() for case, _ in CASES)
    assert of.keys() == BY_NAME.keys() | {NONE}
    assert {name: count for name, count in of.items() if count < OF_EACH} == {}


def test_no_two_cases_are_the_same():
    seen = Counter(
        (made.target, tuple(made.request_fields), made.request_body, made.response_body)
        for _, made in CASES
    )
    assert [key for key, count in seen.items() if count > 1] == []


def test_the_first_choice_is_right_for_every_case():
    mistaken = []
    for case, made in CASES:
        found = decode(made)
        if found.dialect != case["dialect"]:
            mistaken.append(
                f"{case['source']}: {found.dialect} ({found.evidence or found.outcome}),"
                f" not {case['dialect']}"
            )
    assert not mistaken, "\n".join([f"{len(mistaken)} of {len(CASES)}:", *mistaken])


def test_no_dialect_that_is_asked_before_the_right_one_says_yes():
    """All are asked, without the short cuts of `decode`. Those behind may say yes: they are less
    particular, or `tabular`."""
    mistaken = []
    for case, made in CASES:
        try:
            asked = Message(
                content(made.request_body, made.request_fields), made.request_fields, made.target
            )
        except Refused:  # no body, or an unknown coding
            assert case["dialect"] == NONE
            continue
        yes = saying_yes(asked)
        first = yes[0][0] if yes else NONE
        if first != case["dialect"]:
            mistaken.append(f"{case['source']}: {yes}, not {case['dialect']}")
    assert not mistaken, "\n".join([f"{len(mistaken)} of {len(CASES)}:", *mistaken])
