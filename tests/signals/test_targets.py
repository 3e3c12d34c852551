"""What of a target is shown, and that its credentials are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals.targets import redacted, shown, shown_path


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", None),
        (b"/a?", b"/a", b""),
        (b"/a%2Fb//..;c?x=1?y", b"/a%2Fb//..;c", b"x=1?y"),
        (b"*", b"*", None),
        (b"http://model.test", b"/", None),
        (b"http://model.test?a=1", b"/", b"a=1"),
        (b"http://model.test/a/b?a=1", b"/a/b", b"a=1"),
        (b"http://u:hidden@model.test/a?b", b"/a", b"b"),
        (b"u:hidden@model.test:443", b"", None),
        (b"u:hidden", b"", None),
        (b"", b"", None),
    ],
)
def test_each_form(target, path, query):
    assert shown(target) == (path, query)
    assert shown_path(target) == path.decode("latin-1")


@pytest.mark.parametrize("name", [
    b"token", b"access_token", b"api_key", b"API-Key", b"apikey", b"key", b"client_secret",
    b"password", b"pwd", b"Authorization", b"auth", b"sig", b"X-Amz-Signature", b"AWSAccessKeyId",
    b"X-Amz-Credential", b"X-Amz-Security-Token", b"sessionid", b"jwt", b"code", b"otp",
    b"%61pi%5Fkey", b"user", b"cookie", b"a.pass",
])  # fmt: skip
def test_what_is_named_like_a_credential_is_redacted(name):
    for before, after in ((b"", b""), (b"a=1&", b"&b=2"), (b"a=1;", b";b"), (b"&&", b"#")):
        assert redacted(before + name + b"=hidden" + after.rstrip(b"#")) == (
            before + name + b"=REDACTED" + after.rstrip(b"#")
        )


@pytest.mark.parametrize("query", [
    b"", b"a", b"a=1", b"signal=3", b"mapping=x", b"version=2&verbose", b"=", b"q=%20+x", b"token=",
])  # fmt: skip
def test_the_rest_stays_as_it_came(query):
    assert redacted(query) == query


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_have_a_form_and_no_value_of_a_token(before, after):
    path, query = shown(before + b"?token=hidden&" + after)
    assert b"?" not in path
    assert b"token=hidden" not in (query or b"").split(b"&")
