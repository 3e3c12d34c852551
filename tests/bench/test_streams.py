"""What the questions of streams and bodies send, against the benchmark's own model server."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import bodies, contestants, latency, processes, sse
from bench.processes import Launch
from bench.settings import Settings

ROOT = str(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of `bench.model`."""
    port = processes.free_port()
    launch = Launch(
        argv=[sys.executable, "-m", "bench.model", str(port)],
        port=port,
        ready=f"http://127.0.0.1:{port}/upload",
        env={"PYTHONPATH": ROOT},
    )
    errors = tmp_path_factory.mktemp("model") / "stderr"
    process = processes.start(launch, os.sched_getaffinity(0), errors)
    with processes.ended(process):
        processes.wait_ready(process, launch, errors)
        yield port


def test_each_stream_has_one_first_event(model: int) -> None:
    times = sse.first_events(model, 3)
    assert len(times) == 3
    assert all(time > 0 for time in times)


def test_tokens_of_all_streams_are_counted(model: int) -> None:
    streams = sse.Streams(model, 4)
    streams.read_all()
    assert streams.tokens >= 4
    streams.close()


@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
def test_bodies_pass_both_ways(model: int, size: int) -> None:
    with socket.create_connection(("127.0.0.1", model), 10) as connection:
        for go in bodies.WAYS.values():
            go(connection, size)
            go(connection, size)


def test_the_largest_body_is_the_one_that_was_asked_for() -> None:
    assert bodies.sizes(Settings())[-2:] == [10_000_000, 100_000_000]
    assert bodies.sizes(Settings(body=5_000_000)) == [1_000, 64_000, 1_000_000, 5_000_000]


def test_added_is_what_goes_beyond_the_same_round() -> None:
    def at(*p50: float) -> list[latency.Round]:
        return [{500.0: {0.5: value}} for value in p50]

    assert latency.added(at(3.0, 5.0), at(1.0, 2.0), 500.0, 0.5) == [2.0, 3.0]
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        latency.added(at(3.0, 5.0), at(1.0), 500.0, 0.5)


def test_ours_is_held_against_an_envoy_that_takes_part() -> None:
    names = {one.name for one in latency.FIELD}
    assert set(latency.PEERS.values()) <= names
    assert contestants.NONE in latency.FIELD
