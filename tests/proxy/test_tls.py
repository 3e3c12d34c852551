"""TLS on both sides, with certificates made for the test."""

from __future__ import annotations

import ssl

import pytest
import trustme

from tests.harness import Outrider
from tests.origin import RawOrigin
from tests.wire import IncompleteError, request, response


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


@pytest.fixture(scope="module")
def files(ca, tmp_path_factory):
    """Paths of a server's certificate, its key, the authority and a client's pair."""
    folder = tmp_path_factory.mktemp("tls")
    server, client = ca.issue_cert("localhost", "127.0.0.1"), ca.issue_cert("client.test")
    paths = {name: folder / name for name in ("cert", "key", "ca", "client_cert", "client_key")}
    paths["ca"].write_bytes(ca.cert_pem.bytes())
    for prefix, made in (("", server), ("client_", client)):
        chain = b"".join(pem.bytes() for pem in made.cert_chain_pems)
        paths[f"{prefix}cert"].write_bytes(chain)
        paths[f"{prefix}key"].write_bytes(made.private_key_pem.bytes())
    return {name: str(path) for name, path in paths.items()}


@pytest.fixture(scope="module")
def secure(module_origin, files):
    tls = {"cert": files["cert"], "key": files["key"]}
    with Outrider(module_origin.url, {"tls": tls}) as proxy:
        yield proxy


def trusting(files) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files["ca"])


def test_https_client(secure, module_origin, files):
    with secure.connect(trusting(files)) as client:
        for _ in range(2):
            client.send(request(b"POST", b"/p", body=b"abc"))
            seen = module_origin.serve()
            assert (seen.body, seen.one(b"x-forwarded-proto")) == (b"abc", b"https")
            assert client.response().body == b"ok"


def test_http_1_1_is_what_alpn_settles_on(secure, files):
    context = trusting(files)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure.connect(context) as client:
        assert client.sock.selected_alpn_protocol() in (None, "http/1.1")


def test_large_bodies_over_tls(secure, module_origin, files):
    body = bytes(range(256)) * 8192
    with secure.connect(trusting(files)) as client, module_origin.serving(response(body)) as seen:
        client.send(request(b"POST", b"/p", body=body))
        assert client.response().body == body
    assert seen[-1].body == body


def test_plain_http_to_the_tls_port_reaches_nobody(secure, module_origin, files):
    with secure.connect() as client:
        client.send(request())
        assert b"200" not in client.rest()
    assert module_origin.pending() == 0
    with secure.connect(trusting(files)) as client:
        client.send(request(target=b"/canary"))
        assert module_origin.serve().target == b"/canary"


def test_old_tls_versions_are_refused(secure, files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files["ca"])
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(OSError):  # noqa: PT011 - an alert or a reset
        secure.connect(context)


def test_cut_response_is_no_clean_end_over_tls(secure, module_origin, files):
    with secure.connect(trusting(files)) as client:
        client.send(request())
        stream = module_origin.take()
        stream.request()
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        stream.close()
        module_origin.forget(stream)
        with pytest.raises(IncompleteError):
            client.response()


def test_client_certificates(module_origin, files, start):
    tls = {"cert": files["cert"], "key": files["key"], "client_ca": files["ca"]}
    proxy = start(module_origin.url, {"tls": tls})
    context = trusting(files)
    context.load_cert_chain(files["client_cert"], files["client_key"])
    with proxy.connect(context) as client:
        client.send(request())
        module_origin.serve()
        assert client.response().body == b"ok"
    stranger = trustme.CA().issue_cert("client.test")
    for made in (None, stranger):
        context = trusting(files)
        if made is not None:
            made.configure_cert(context)
        try:
            with proxy.connect(context) as client:  # 1.3: refused after the client's handshake
                client.send(request())
                assert client.rest() == b""
        except OSError:
            pass
    assert module_origin.pending() == 0


def server_context(files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["cert"], files["key"])
    return context


def serving(files, context: ssl.SSLContext) -> RawOrigin:
    return RawOrigin(tls=context, host="127.0.0.1")


def test_https_origin(files, start):
    with serving(files, server_context(files)) as origin, origin.serving() as seen:
        proxy = start(origin.url, {"upstream_tls": {"ca": files["ca"]}})
        with proxy.connect() as client:
            for n in range(3):
                client.send(request(b"POST", b"/%d" % n, body=b"abc"))
                assert client.response().body == b"ok"
    assert [message.target for message in seen] == [b"/0", b"/1", b"/2"]
    assert seen[0].one(b"x-forwarded-proto") == b"http"


def test_https_origin_of_an_unknown_authority_is_502(files, start):
    with serving(files, server_context(files)) as origin, origin.serving() as seen:
        proxy = start(origin.url, ready="/healthz")
        with proxy.connect() as client:
            client.send(request())
            assert client.response().status == 502
    assert not seen


def test_https_origin_of_another_name_is_502(ca, files, start):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("other.test").configure_cert(context)
    with serving(files, context) as origin, origin.serving() as seen:
        proxy = start(origin.url, {"upstream_tls": {"ca": files["ca"]}}, ready="/healthz")
        with proxy.connect() as client:
            client.send(request())
            assert client.response().status == 502
    assert not seen


def test_https_origin_unverified_where_told(files, start):
    with serving(files, server_context(files)) as origin, origin.serving():
        proxy = start(origin.url, {"upstream_tls": {"verify": False}})
        with proxy.connect() as client:
            client.send(request())
            assert client.response().body == b"ok"


def test_our_certificate_for_the_origin(files, start):
    context = server_context(files)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files["ca"])
    own = {"ca": files["ca"], "cert": files["client_cert"], "key": files["client_key"]}
    with serving(files, context) as origin, origin.serving():
        proxy = start(origin.url, {"upstream_tls": own})
        with proxy.connect() as client:
            client.send(request())
            assert client.response().body == b"ok"
