"""A real sidecar beside a real model server that has metrics of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from agent.scrape.shaping import OURS
from tests.harness import Metrics, eventually, get
from tests.wire import response

SERVER = """
import sys, time
from prometheus_client import Counter, Gauge, Histogram, Info, Summary, start_http_server
Gauge("vllm:num_requests_waiting", "Waiting.", ["model_name"]).labels("org/m").set(4)
Gauge("vllm:num_requests_running", "Running.", ["model_name"]).labels("org/m").set(2)
Gauge("vllm:kv_cache_usage_perc", "Cache.").set(0.5)
Counter("vllm:prompt_tokens", "Tokens.", ["job"]).labels("theirs").inc(9)
Counter("outrider_requests_failed", "Named as one of ours.").inc(99)
Histogram("vllm:time_seconds", "Time.", ["user"]).labels("ann@example.org").observe(0.3)
Summary("vllm:size", "Size.").observe(3)
Info("vllm:build", "Build.").info({"version": "1"})
server, thread = start_http_server(0, "127.0.0.1")
print(server.server_port, flush=True)
sys.stdin.read()
"""
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
QUICK = {"every": "1s", "timeout": "1s"}


@pytest.fixture(scope="module")
def exporter() -> Iterator[str]:
    """A process with prometheus_client's own server; its URL."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
        process.kill()


def promtool(text: bytes) -> list[str]:
    """What it complains of."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    return (done.stdout + done.stderr).decode().splitlines()


@pytest.mark.needs("promtool")
def test_a_servers_own_metrics_stand_beside_ours(start, own_origin, exporter) -> None:
    proxy = start(own_origin.url, {"scrape": {**QUICK, "url": f"{exporter}/metrics", "job": "v"}})
    eventually(lambda: proxy.metric("outrider_scrape_up", job="v") == 1, "the first reading")
    page = get(proxy.admin, "/metrics").body
    found = Metrics(page.decode())
    assert found.value("vllm:num_requests_waiting", job="v", model_name="org/m") == 4
    assert found.value("vllm:prompt_tokens_total", job="v", exported_job="theirs") == 9
    assert found.value("vllm:time_seconds_count", job="v") == 1
    assert found.value("model_server_outrider_requests_failed_total", job="v") == 99
    assert found.value("outrider_requests_failed_total") == 0
    assert found.value("model_server_process_cpu_seconds_total", job="v") > 0
    assert found.value("python_info", job="v") == 1
    assert b"ann@example.org" not in page
    assert found.families["vllm:num_requests_waiting"].documentation == "Waiting."
    assert found.value("outrider_load_server_queue_requests") == 4
    assert found.value("outrider_load_server_running_requests") == 2
    assert found.value("outrider_load_server_kv_cache_usage_ratio") == 0.5
    foreign = ("vllm:", "model_server_", "python_")
    complaints = [line for line in promtool(page) if not line.startswith(foreign)]
    assert complaints == []
    status = get(proxy.admin, "/api/v1/status").json()
    assert status["load"]["server"]["queue"] == 4
    assert status["load"]["server"]["evidence"]["queue"] == "vllm:num_requests_waiting"
    assert status["scrape"]["up"] is True

    body = get(proxy.admin, "/metrics", Accept=OPENMETRICS).body.decode()
    assert body.endswith("# EOF\n")
    assert 'vllm:prompt_tokens_total{exported_job="theirs",job="v"} 9.0' in body
    assert "# TYPE vllm:build_info gauge" in body


def test_without_the_setting_all_names_are_ours(start, own_origin) -> None:
    proxy = start(own_origin.url)
    assert all(name.startswith(OURS) for name in proxy.metrics().families)
    assert get(proxy.admin, "/api/v1/status").json()["scrape"] is None
    assert own_origin.accepted == 0


def test_a_path_of_the_upstream_is_read_beside_the_traffic(start, own_origin) -> None:
    proxy = start(own_origin.url, {"scrape": {**QUICK, "url": "/metrics"}})
    stream = own_origin.take()
    assert stream.until(b"\r\n\r\n").startswith(b"GET /metrics HTTP/1.1\r\n")
    stream.send(response(b"depth 3\n", b"Content-Type: text/plain"))
    eventually(lambda: proxy.metric("depth", job="model_server") == 3, "what it said")
    assert proxy.metric("http_server_request_duration_seconds_count") == 0, "it is no traffic"


def test_a_server_that_never_ends_is_told_and_harms_nothing(start, own_origin) -> None:
    settings = {**QUICK, "url": "/metrics", "max_bytes": "64KiB"}
    proxy = start(own_origin.url, {"scrape": settings})
    stream = own_origin.take()
    stream.until(b"\r\n\r\n")
    stream.send(response(b"depth 3\n" * 16384, b"Content-Type: text/plain"))
    why = eventually(
        lambda: get(proxy.admin, "/api/v1/status").json()["scrape"]["why"], "the reason"
    )
    assert why == "more than scrape.max_bytes, 64KiB"
    assert proxy.metric("outrider_scrape_up") == 0
    assert proxy.said("the model server's metrics cannot be read: more than scrape.max_bytes")
