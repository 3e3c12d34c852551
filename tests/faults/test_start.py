"""Errors of the start: exit code 2, what and where and how to mend it, and nothing listens."""

from __future__ import annotations

import socket

import pytest

from tests.harness import Outrider
from tests.origin import RawOrigin

pytestmark = pytest.mark.slow


def fails(upstream: str, settings=None, *, naming: tuple[str, ...], **more) -> None:
    with Outrider(upstream, settings, ready=None, exit_code=2, **more) as proxy:
        assert proxy.process.wait(20) == 2
        said = proxy.stderr() + proxy.stdout()
        for word in naming:
            assert word in said, said
        for address in (proxy.address, proxy.admin, proxy.health):
            with socket.socket() as probe:
                probe.bind(address)


@pytest.mark.parametrize("which", ["listen", "admin", "health"])
def test_a_port_that_is_taken_is_named(own_origin, which):
    with RawOrigin() as other:
        flag = f"--{which}=127.0.0.1:{other.port}"
        fails(own_origin.url, args=[flag], naming=(str(other.port),))


@pytest.mark.parametrize(
    ("settings", "naming"),
    [
        ({"timeouts": {"connect": "soon"}}, ("timeouts.connect", "soon")),
        ({"limits": {"head_bytes": -1}}, ("limits.head_bytes", "-1")),
        ({"workers": 0}, ("workers", "0")),
        ({"observe": "some"}, ("observe", "some")),
        ({"timeout": {"connect": "1s"}}, ("timeout",)),
        ({"tls": {"cert": "/none.pem", "key": "/none.pem"}}, ("/none.pem",)),
        ({"trusted_proxies": ["300.0.0.1"]}, ("trusted_proxies", "300.0.0.1")),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else next(iter(value)),
)
def test_a_config_error_names_file_path_and_value(own_origin, settings, naming):
    fails(own_origin.url, settings, naming=("outrider.yaml", *naming))


def test_an_upstream_that_is_no_address(own_origin):
    fails("ftp://model", naming=("ftp://model",))


def test_a_variable_that_is_wrong_is_named(own_origin):
    env = {"OUTRIDER_TIMEOUTS__CONNECT": "soon"}
    fails(own_origin.url, env=env, naming=("OUTRIDER_TIMEOUTS__CONNECT", "soon"))


def test_a_flag_wins_over_a_variable_wins_over_the_file(own_origin, start):
    """Contract: flag, then OUTRIDER_…, then YAML, then default."""
    env = {"OUTRIDER_UPSTREAM": "http://127.0.0.1:9", "OUTRIDER_LIMITS__FIELDS": "7"}
    proxy = start(own_origin.url, {"limits": {"fields": 5}}, env=env)
    with proxy.connect() as client:
        client.send(b"GET / HTTP/1.1\r\n" + b"Host: a\r\n" + b"X: 1\r\n" * 6 + b"\r\n")
        own_origin.serve()
        assert client.response().status == 200
        client.send(b"GET / HTTP/1.1\r\n" + b"Host: a\r\n" + b"X: 1\r\n" * 7 + b"\r\n")
        assert client.response().status == 431
