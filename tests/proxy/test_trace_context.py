"""W3C trace context: untouched without an exporter, continued with one."""

from __future__ import annotations

import re

import pytest

from tests.harness import Outrider, free_ports
from tests.wire import request

TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")
TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00f067aa0ba902b7"
CONTEXT = b"traceparent: 00-%b-%b-01" % (TRACE, PARENT)


def ask(client, origin, *fields: bytes):
    client.send(request(b"GET", b"/", *fields))
    seen = origin.serve()
    client.response()
    return seen


def test_passes_untouched_without_an_exporter(client, origin):
    odd = [b"TraceParent: 00-xyz", b"tracestate: a=1", b"tracestate: b=2"]
    seen = ask(client, origin, *odd)
    assert [n + b": " + v for n, v in seen.fields if n.lower().startswith(b"trace")] == odd


def test_none_is_made_without_an_exporter(client, origin):
    assert not ask(client, origin).all(b"traceparent")


@pytest.fixture(scope="module")
def exporting(module_origin):
    """An Outrider that exports spans to a port where nobody listens."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_ports(1)[0]}"}
    with Outrider(module_origin.url, env=env) as proxy:
        yield proxy


def test_the_clients_trace_is_continued(exporting, module_origin):
    with exporting.connect() as client:
        seen = ask(client, module_origin, CONTEXT, b"tracestate: vendor=x,other=y")
    match = TRACEPARENT.fullmatch(seen.one(b"traceparent"))
    assert match[1] == TRACE
    assert match[2] not in (PARENT, b"0" * 16)
    assert match[3] == b"01"
    assert seen.one(b"tracestate").replace(b" ", b"") == b"vendor=x,other=y"


def test_a_trace_is_begun_where_there_is_none(exporting, module_origin):
    with exporting.connect() as client:
        made = {ask(client, module_origin).one(b"traceparent") for _ in range(10)}
    assert len({TRACEPARENT.fullmatch(one)[1] for one in made}) == 10


def test_the_clients_decision_not_to_sample_is_kept(exporting, module_origin):
    """parentbased_always_on, the default of OTEL_TRACES_SAMPLER."""
    with exporting.connect() as client:
        seen = ask(client, module_origin, CONTEXT[:-2] + b"00")
    match = TRACEPARENT.fullmatch(seen.one(b"traceparent"))
    assert (match[1], match[3]) == (TRACE, b"00")


@pytest.mark.parametrize(
    "bad",
    [
        b"00-%b-%b-01" % (b"0" * 32, PARENT),
        b"00-%b-%b-01" % (TRACE, b"0" * 16),
        b"ff-%b-%b-01" % (TRACE, PARENT),
        b"00-%b-%b-01" % (TRACE.upper(), PARENT),
        b"00-%b-%b" % (TRACE, PARENT),
        b"garbage",
    ],
)
def test_an_invalid_context_is_replaced(exporting, module_origin, bad):
    """W3C Trace Context 3.2.2: a context that cannot be parsed starts a new trace."""
    with exporting.connect() as client:
        seen = ask(client, module_origin, b"traceparent: " + bad, b"tracestate: a=1")
    match = TRACEPARENT.fullmatch(seen.one(b"traceparent"))
    assert match[1] != TRACE
    assert not seen.all(b"tracestate")


def test_a_later_version_is_read_as_far_as_it_is_known(exporting, module_origin):
    """W3C Trace Context 4.3: versions above 00 are parsed by the fields of 00."""
    with exporting.connect() as client:
        later = b"traceparent: 01-%b-%b-01-what-comes" % (TRACE, PARENT)
        seen = ask(client, module_origin, later)
    assert TRACEPARENT.fullmatch(seen.one(b"traceparent"))[1] == TRACE
