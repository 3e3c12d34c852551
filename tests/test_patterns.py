"""What is taken for personal data or a credential in text, and what is not."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.patterns import BUILT_IN, IBAN_LENGTHS, Pattern, looks_personal, luhn, mod97, signs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-x_y"
FOUND = {
    "email": [
        "ann.lee@example.com", "Ann Lee <ann@example.org>", "ü@exämple.de", "mailto:a+b@x.co.uk",
        "a@b.c.d.example.", "o'neil@xn--e1afmkfd.xn--p1ai", "x" * 300 + "@example.com",
        "c@example.com,", "(c@example.com)",
    ],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111", "378282246310005", "3782 822463 10005",
        "30569309025904", "6011111111111117", "5555555555554444 12/29", "4222222222222",
        "1234 4111 1111 1111 1111", "4111 1111 1111 1111 1225", "card:4111111111111111.",
    ],
    "phone": [
        "+49 170 1234567", "+491701234567", "(555) 123-4567", "555.123.4567", "555-123-4567",
        "0170/1234567", "0049 170 1234567", "+1 (212) 555-0100", "call 1-212-555-0100 now",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432",
        "NO9386011117947", "my iban DE89 3704 0044 0532 0130 00 BIC COBADEFF",
        "de89370400440532013000", "FR1420041010050500013M02606", "MT84MALT011000012345MTLCAST001S",
    ],
    "ip": [
        "10.0.0.1", "from 192.168.100.200:8080", "http://10.1.2.3/", "ends 10.0.0.1.",
        "/hosts/10.0.0.1/score",
        "2001:db8::1", "::1", "fe80::1ff:fe23:4567:890a", "::ffff:192.0.2.128", "[2001:db8::1]:80",
    ],
    "token": [
        "Bearer abcdefghijklmnop", f"bearer {JWT}", JWT, "Basic YWxhZGRpbjpvcGVu",
        "sk-proj-abcdefghijklmnop1234", "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 18,
        "password=hunter2", "api_key: 'abc'", '{"secret":"x"}', "AWS_SECRET_ACCESS_KEY=abc",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
    "userinfo": ["https://user:pw@host/", "redis://:pw@h", "see ftp://ann@host"],
}  # fmt: skip
NOT_FOUND = [
    "", "a", "a@b", "@", "a@", "@b.c", "user@localhost", "4111111111111112", "1234567890123456",
    "0.4111111111111111", "3.4111111111111111", "41111111111111111111111", "1700000000",
    "1700000000000", "20260101000007", "2026010100000006",
    "+1.23456789", "+12", "1.2.3", "v1.2.3.4", "Chrome/120.0.0.0", "1.2.3.4.5",
    "256.1.1.1", "12:30:45", "2026-01-02T03:04:05Z", "00:1A:2B:3C:4D:5E", "std::vector", "a :: b",
    "2026-01-02", "1990-1999", "10000-25000", "DE88370400440532013000", "ZZ89370400440532013000",
    "bearer securities", "basic research", "the token of", "sku-12345", "eyJ", "sk-learn",
    "password", "94110", "1e-05", "1,000,000", "AB12CDEFGH", "24/7", "max_tokens: 5",
    "0.1 0.2 0.3 0.4", " ".join(map(str, range(1, 17))), "http://host/a@b", "iris-setosa", "日本",
]  # fmt: skip
EACH = [(name, text) for name, texts in FOUND.items() for text in texts]


def _taken(parts: list[str], part: str) -> str:
    parts.append(part)
    return "#"


def found(text: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for pattern in BUILT_IN:
        if pattern.sign in signs(text):
            parts: list[str] = []
            pattern.sub(text, partial(_taken, parts))
            if parts:
                out.setdefault(pattern.name, []).extend(parts)
    return out


@pytest.mark.parametrize(("name", "text"), EACH)
def test_what_is_personal_or_secret_is_found(name, text):
    assert name in found(text)
    assert looks_personal(text)


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_a_little_like_it_is_not(text):
    assert found(text) == {}
    assert not looks_personal(text)


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        ("1234 4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("4111 1111 1111 1111 1225", "card", "4111 1111 1111 1111"),
        ("iban DE89 3704 0044 0532 0130 00 BIC A", "iban", "DE89 3704 0044 0532 0130 00"),
        ("<ann@example.org>", "email", "ann@example.org"),
        ("http://user:pw@host/", "userinfo", "user:pw@"),
        ("id 7, 10.0.0.1.", "ip", "10.0.0.1"),
    ],
)
def test_neither_less_nor_more_than_the_thing_itself_is_found(text, name, part):
    assert part in found(text)[name]


def test_every_digit_of_a_card_and_of_an_iban_is_checked():
    for text, holds in (("4111111111111111", luhn), ("DE89370400440532013000", mod97)):
        assert holds(text)
        for n in range(2, len(text)):
            other = text[:n] + str((int(text[n]) + 1) % 10) + text[n + 1 :]
            assert not holds(other)


def test_a_date_and_a_time_are_no_cards_number_though_every_tenth_has_its_check_digit():
    times = [f"20260101{second:06}" for second in range(100)]
    assert sum(map(luhn, times)) == 10
    assert not any(map(looks_personal, times))


def test_an_iban_is_as_long_as_its_country_says():
    assert len(IBAN_LENGTHS) > 80
    assert all(15 <= length <= 33 for length in IBAN_LENGTHS.values())
    assert "iban" not in found("DE8937040044053201300"), "one digit less"


NASTY = st.text(st.sampled_from("a1@.: -+/(=eyJDE89:_\n\u00a0\ud800é"), max_size=300)


@given(NASTY | st.text(max_size=300))
def test_any_text_is_read_and_what_is_hidden_is_not_found_again(text):
    clean = text
    for pattern in BUILT_IN:
        assert pattern.sub(text, lambda part: part) == text
        assert pattern.sign in signs(text) or pattern.sub(text, lambda _: "#") == text
        clean = pattern.sub(clean, lambda _: "X")
    assert len(clean) <= len(text)


@given(NASTY, st.sampled_from([text for _, text in EACH]))
def test_it_is_found_whatever_stands_before_it(noise, text):
    assert found(f"{noise} {text}")


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_pattern_of_ones_own_is_found_at_any_place_of_a_long_text(before, after):
    own = Pattern("own", re.compile(r"EMP-\d{6}"), bounded=False)
    hidden = own.sub("x" * before + "EMP-123456" + "y" * after, lambda _: "#")
    assert hidden == "x" * before + "#" + "y" * after
