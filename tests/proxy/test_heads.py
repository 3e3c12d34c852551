"""What a proxy must change in a head, and that it changes nothing else."""

from __future__ import annotations

import pytest

from tests.wire import Fields, chunked, request, response

ADDED = {
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
    b"x-request-id",
    b"connection",
    b"keep-alive",
}


def others(fields: Fields) -> Fields:
    """The fields that are the peers' own."""
    return [(name, value) for name, value in fields if name.lower() not in ADDED]


def exchange(client, origin, sent: bytes, answer: bytes = response(b"ok")):
    client.send(sent)
    seen = origin.serve(answer)
    return seen, client.response(sent.split(b" ")[0])


PECULIAR: Fields = [
    (b"Host", b"model.test"),
    (b"X-Dup", b"1"),
    (b"aCCept", b"text/html;q=0.5, */*"),
    (b"x-dup", b"2"),
    (b"Cookie", b"a=b; c=d"),
    (b"X-Dup", b"1"),
    (b"X-Latin", b"caf\xe9 \xa0\xff"),
    (b"X-Utf8", "é€".encode()),
    (b"X-Empty", b""),
    (b"X-Tab", b"a\tb"),
    (b"!#$%&'*+-.^_`|~0aZ", b"every token character"),
    (b"X-Colon", b":a:b:"),
    (b"X-Quoted", b'"a\\"b", c'),
    (b"X-Long", b"l" * 20_000),
    (b"Cookie", b"e=f"),
    (b"User-Agent", b"test/1"),
    (b"Accept-Encoding", b"br, gzip"),
    (b"Authorization", b"Bearer abc=="),
    (b"Forwarded", b"for=1.2.3.4"),
    (b"Cache-Control", b"no-cache"),
    (b"Range", b"bytes=0-9"),
    (b"If-None-Match", b'W/"x"'),
]


def lines(fields: Fields) -> list[bytes]:
    return [name + b": " + value for name, value in fields]


def test_request_fields_keep_order_case_duplicates_and_bytes(client, origin):
    sent = b"\r\n".join([b"GET / HTTP/1.1", *lines(PECULIAR)]) + b"\r\n\r\n"
    seen, _ = exchange(client, origin, sent)
    assert others(seen.fields) == PECULIAR


def test_response_fields_keep_order_case_duplicates_and_bytes(client, origin):
    fields: Fields = [
        (b"Server", b"model/1"),
        (b"Date", b"Tue, 01 Jan 2030 00:00:00 GMT"),
        (b"Set-Cookie", b"a=1"),
        (b"set-cookie", b"b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"),
        *PECULIAR[6:14],
        (b"Set-Cookie", b"a=1"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"2"),
        (b"X-After", b"1"),
    ]
    answer = b"\r\n".join([b"HTTP/1.1 200 OK", *lines(fields)]) + b"\r\n\r\nok"
    _, got = exchange(client, origin, request(), answer)
    assert others(got.fields) == fields


@pytest.mark.parametrize(
    "status",
    [
        b"200 OK",
        b"200 Tout va tr\xe8s bien",
        b"200 ",
        b"201 Created",
        b"299 Odd",
        b"302 Found",
        b"401 Unauthorized",
        b"418 I'm a teapot",
        b"429 Too Many Requests",
        b"499 Theirs",
        b"500 Internal Server Error",
        b"503 Service Unavailable",
        b"599 Odd",
    ],
)
def test_status_line_arrives_byte_for_byte(client, origin, status):
    _, got = exchange(client, origin, request(), response(b"body", status=status))
    assert got.start == b"HTTP/1.1 " + status
    assert got.body == b"body"


@pytest.mark.parametrize("name", [b"Keep-Alive", b"Proxy-Connection", b"TE", b"Upgrade"])
def test_hop_by_hop_fields_stay_on_their_hop(client, origin, name):
    """RFC 9110 7.6.1."""
    value = {b"TE": b"trailers", b"Upgrade": b"h2c"}.get(name, b"timeout=5")
    sent = request(b"GET", b"/", b"Connection: %b" % name, name + b": " + value)
    seen, _ = exchange(client, origin, sent)
    assert not seen.all(name)
    assert name.lower() not in seen.tokens(b"connection")


def test_fields_named_by_connection_are_removed_both_ways(client, origin):
    sent = request(b"GET", b"/", b"X-Hop: 1", b"connection: x-HOP , keep-alive", b"X-End: 2")
    answer = response(b"ok", b"Connection: X-Back, keep-alive", b"X-Back: 3", b"X-Stay: 4")
    seen, got = exchange(client, origin, sent, answer)
    assert not seen.all(b"x-hop")
    assert seen.one(b"x-end") == b"2"
    assert not got.all(b"x-back")
    assert got.one(b"x-stay") == b"4"


@pytest.mark.parametrize("options", [b"transfer-encoding", b"close, Transfer-Encoding", b"trailer"])
def test_connection_cannot_take_away_the_framing_of_chunks(client, origin, options):
    """Else the chunks would stand behind a head without a body, as requests of their own."""
    fields = (b"Transfer-Encoding: chunked", b"Trailer: X-T", b"Connection: " + options)
    sent = request(b"POST", b"/", *fields) + chunked(b"abc", trailers=b"X-T: 1\r\n")
    seen, _ = exchange(client, origin, sent)
    assert (seen.framing, seen.body) == ("chunked", b"abc")


def test_connection_cannot_take_away_what_the_proxy_vouches_for(client, origin):
    """A client cannot have Host, the framing or our forwarding fields removed by naming them."""
    named = b"Connection: host, content-length, x-forwarded-for, x-request-id, via"
    seen, _ = exchange(client, origin, request(b"POST", b"/", named, body=b"abc"))
    assert seen.one(b"host") == b"model.test"
    assert seen.body == b"abc"
    for name in (b"x-forwarded-for", b"x-request-id", b"via"):
        assert seen.one(name), name


def test_via_names_the_proxy_behind_those_before_it(client, origin):
    """RFC 9110 7.6.3."""
    seen, _ = exchange(client, origin, request(b"GET", b"/", b"Via: 1.0 first"))
    path = [part.strip() for part in b",".join(seen.all(b"via")).split(b",")]
    assert path[0] == b"1.0 first"
    assert len(path) == 2
    assert path[1].startswith(b"1.1 ")


def test_via_says_the_version_that_was_received(client, origin):
    seen, _ = exchange(client, origin, b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n")
    assert seen.one(b"via").startswith(b"1.0 ")


def test_forwarded_fields_say_who_asked_for_what(client, origin):
    seen, _ = exchange(client, origin, request())
    assert seen.one(b"x-forwarded-for") == b"127.0.0.1"
    assert seen.one(b"x-forwarded-proto") == b"http"
    assert seen.one(b"x-forwarded-host") == b"model.test"
    assert seen.one(b"host") == b"model.test"


CLAIMS = (
    b"X-Forwarded-For: 6.6.6.6",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: evil.test",
)


def test_an_untrusted_clients_claims_are_replaced(client, origin):
    seen, _ = exchange(client, origin, request(b"GET", b"/", *CLAIMS, CLAIMS[0]))
    assert seen.one(b"x-forwarded-for") == b"127.0.0.1"
    assert seen.one(b"x-forwarded-proto") == b"http"
    assert seen.one(b"x-forwarded-host") == b"model.test"


def test_a_trusted_proxys_claims_are_kept_and_continued(start, own_origin):
    proxy = start(own_origin.url, {"trusted_proxies": ["127.0.0.0/8"]})
    with proxy.connect() as client:
        seen, _ = exchange(client, own_origin, request(b"GET", b"/", *CLAIMS))
        hops = b",".join(seen.all(b"x-forwarded-for")).replace(b" ", b"").split(b",")
        assert hops == [b"6.6.6.6", b"127.0.0.1"]
        assert seen.one(b"x-forwarded-proto") == b"https"
        assert seen.one(b"x-forwarded-host") == b"evil.test"


@pytest.mark.parametrize("given", [b"a", b"req-1:2.3_x", b"A" * 128])
def test_a_valid_request_id_is_kept_and_echoed(client, origin, given):
    seen, got = exchange(client, origin, request(b"GET", b"/", b"X-Request-Id: " + given))
    assert seen.one(b"x-request-id") == given
    assert got.one(b"x-request-id") == given


@pytest.mark.parametrize("given", [b"", b"a b", b"A" * 129, b"caf\xe9", b"a,b", b"<script>"])
def test_an_invalid_request_id_is_replaced(client, origin, given):
    seen, got = exchange(client, origin, request(b"GET", b"/", b"X-Request-Id: " + given))
    made = seen.one(b"x-request-id")
    assert made
    assert made != given
    assert got.one(b"x-request-id") == made


def test_a_request_id_is_made_for_each_request(client, origin):
    made = {exchange(client, origin, request())[0].one(b"x-request-id") for _ in range(20)}
    assert len(made) == 20


def test_the_origins_own_request_id_stays_on_its_response(client, origin):
    answer = response(b"ok", b"X-Request-ID: theirs")
    _, got = exchange(client, origin, request(b"GET", b"/", b"X-Request-Id: mine"), answer)
    assert got.one(b"x-request-id") == b"theirs"


def test_head_of_thirty_kilobytes_and_150_fields_passes_both_ways(client, origin):
    """Real cookies, tokens and client certificates are long (reliability 3.2, 8)."""
    many = [b"X-%d: %s" % (n, b"v" * 200) for n in range(150)]
    seen, got = exchange(client, origin, request(b"GET", b"/", *many), response(b"ok", *many))
    for message in (seen, got):
        assert [n for n, _ in message.fields if n.startswith(b"X-1")][:2] == [b"X-1", b"X-10"]
        assert message.one(b"x-149") == b"v" * 200
