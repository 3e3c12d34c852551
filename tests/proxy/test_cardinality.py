"""G24: however many paths, models and headers clients make up, /metrics stays small and correct.

OUTRIDER_TEST_DISTINCT is how many requests the first test counts (100,000 is the goal's figure).
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from agent.ledger import Ledger
from agent.proxy.account import MAX_MODELS, MAX_ROUTES, Accountant
from agent.proxy.routes import Routes
from agent.proxy.transaction import Transaction
from agent.signals.exemplars import Exemplars
from agent.signals.metrics import LedgerCollector, make_registry, render
from tests.harness import eventually
from tests.wire import request, response

DISTINCT = int(os.environ.get("OUTRIDER_TEST_DISTINCT", "10000"))
MAX_SERIES = 2_000
"""Sets of labels; a histogram is one, whatever its buckets."""
MAX_BYTES = 2_000_000
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
METHODS = (b"POST", b"GET", b"PROPFIND")
STATUSES = (200, 200, 200, 404, 500)
COUNT = "http_server_request_duration_seconds_count"


def target(n: int) -> bytes:
    """Each another word, another model, another query, another id."""
    return (
        b"/word%dx/y" % n,
        b"/v1/models/m%d:predict" % n,
        b"/v2/models/m%d/infer?q=%d" % (n, n),
        b"/v1/models/m/versions/%d:predict" % n,
        b"/items/%d/word%d" % (n, n),
    )[n % 5]


def counted(number: int) -> Ledger:
    ledger, routes = Ledger(1), Routes()
    accountant = Accountant(ledger.worker(0), None)
    for n in range(number):
        fields = [(b"x-n", b"%d" % n)]
        tx = Transaction(None, METHODS[n % 3], target(n), "1.1", fields, 0.0, 0)  # type: ignore[arg-type]
        tx.route = routes.find(tx.target)
        accountant.begin(tx)
        tx.status = STATUSES[n // 7 % 5]
        tx.head_written = tx.request_written = tx.first_read = tx.first_out = tx.last_read = 1.0
        tx.connect = 0.001
        tx.response_done = True
        accountant.end(tx)
    return ledger


def series(text: str) -> set[str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    without = (re.sub(r'le="[^"]*",?', "", line.rpartition(" ")[0]) for line in lines)
    return {
        re.sub(r"^(\w+?)(_bucket|_sum|_count|_created)?(?=[{ ]|$)", r"\1", one) for one in without
    }


@pytest.mark.slow
@pytest.mark.needs("promtool")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("accept", ["text/plain; version=0.0.4", OPENMETRICS])
def test_metrics_of_many_distinct_requests(accept):
    ledger = counted(DISTINCT)
    data, _ = render(make_registry(LedgerCollector(ledger, Exemplars(), "1")), accept)
    text = data.decode()
    found = series(text)
    print(
        f"{DISTINCT} distinct: {len(found)} series, {len(data)} bytes, {text.count(chr(10))} lines"
    )
    assert len(found) <= MAX_SERIES
    assert len(data) <= MAX_BYTES
    families = list((openmetrics if accept is OPENMETRICS else plain)(text))
    total = sum(s.value for family in families for s in family.samples if s.name == COUNT)
    assert total == DISTINCT, "none is lost, they count as other"
    for label, most in (("http_route", MAX_ROUTES), ("model", MAX_MODELS)):
        values = {s.labels.get(label) for family in families for s in family.samples}
        assert len(values - {None, "", "other"}) <= most
    if accept is not OPENMETRICS:  # promtool reads the plain form
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=data, capture_output=True, check=False
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_what_clients_make_up_is_in_no_label(start, own_origin):
    """Past the caps: paths, ids, queries, header fields and methods."""
    number = 400
    proxy = start(own_origin.url)
    with proxy.connect() as client, own_origin.serving(response(b"{}")):
        for n in range(number):
            mark = b"made-up-%d" % n
            lines = (b"X-" + mark + b": 1", b"User-Agent: " + mark, b"X-Request-Id: " + mark)
            client.send(request(METHODS[n % 3], target(n) + b"?" + mark, *lines))
            assert client.response().status == 200
    eventually(lambda: proxy.metric(COUNT) == number, "all counted")
    metrics = proxy.metrics()
    assert "made-up" not in metrics.text
    assert not re.search(r"/items/\d", metrics.text)
    values = {s.labels.get("http_route") for f in metrics.families.values() for s in f.samples}
    assert len(values) <= MAX_ROUTES + 2
    assert len(series(metrics.text)) <= MAX_SERIES
    assert len(metrics.text) <= MAX_BYTES
