"""No file descriptors left: those who are served stay so, others are told, and it passes."""

from __future__ import annotations

import resource
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.load import REQUEST, Load, counting_model
from tests.harness import Outrider, eventually
from tests.wire import IncompleteError, Stream

pytestmark = pytest.mark.slow

COUNT = "http_server_request_duration_seconds_count"
FILES = 200
FEW = ("prlimit", f"--nofile={FILES}:{FILES}", sys.executable, "-m", "agent")


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


def asked(client: Stream) -> int:
    """Status of one request; 0 if the connection ended without an answer."""
    try:
        client.send(REQUEST)
        return client.response().status
    except (IncompleteError, OSError):
        return 0


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.needs("prlimit")
def test_a_small_limit_is_told_and_kept_with_a_clear_answer(start, model):
    """Connections for which there are no two descriptors get 503, all others are served."""
    proxy = start(model.url, program=FEW)
    fit = (FILES - 64) // 2
    assert f"a worker takes {fit}" in proxy.stderr()
    with ExitStack() as stack:
        clients = [stack.enter_context(proxy.connect()) for _ in range(fit)]
        assert [asked(client) for client in clients] == [200] * fit
        for _ in range(20):
            with proxy.connect() as more:
                answer = more.response()
                assert answer.status == 503
                assert b"too many connections" in answer.body
        assert [asked(client) for client in clients] == [200] * fit
        assert proxy.metric("outrider_client_connections_refused_total") == 20
    eventually(lambda: served(proxy), "room again")
    assert proxy.metric("outrider_requests_failed_total", reason="limit") >= 20


def served(proxy: Outrider) -> bool:
    with proxy.connect() as client:
        return asked(client) == 200


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_none_left_at_all(start, model):
    """Whatever took them: those connected are served, and it is over when some are free."""
    proxy = start(model.url)
    worker = proxy.pid("worker")
    with ExitStack() as stack:
        clients = [stack.enter_context(proxy.connect()) for _ in range(8)]
        assert [asked(client) for client in clients] == [200] * 8
        soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (descriptors(worker), hard))
        waiting = [stack.enter_context(proxy.connect()) for _ in range(50)]
        for _ in range(20):
            assert [asked(client) for client in clients] == [200] * 8
        before = cpu_ticks(worker)
        with Load(model.address, 2000):  # not through the proxy: only so that time passes
            pass
        spun = cpu_ticks(worker) - before
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))
        answers = [asked(client) for client in waiting]
        assert set(answers) <= {0, 200}, answers
        eventually(lambda: served(proxy), "it to be over")
        assert [asked(client) for client in clients] == [200] * 8
    print(f"ticks of CPU while none was left and nothing asked: {spun}")
    assert proxy.pid("worker") == worker
    assert proxy.metric("outrider_requests_failed_total") == 0


def test_none_left_in_the_observer(start, model):
    """Pages cannot be read meanwhile; requests are served and counted all the same."""
    proxy = start(model.url)
    observer = proxy.pid("observer")
    assert proxy.metric(COUNT) == 0
    soft, hard = resource.prlimit(observer, resource.RLIMIT_NOFILE)
    resource.prlimit(observer, resource.RLIMIT_NOFILE, (descriptors(observer), hard))
    with Load(proxy.address, 2000) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (2000, 0, 0, {})
    assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
    resource.prlimit(observer, resource.RLIMIT_NOFILE, (soft, hard))
    eventually(lambda: proxy.metric(COUNT, http_request_method="POST") == 2000, "the count")
    eventually(
        lambda: proxy.metric("outrider_records_total", stage="finished") == 2000, "the records"
    )
