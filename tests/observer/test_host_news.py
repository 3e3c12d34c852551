"""What happened to the model server is told once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agent.observer.telling.host_news import HostNews
from agent.signals.host.artifact import Artifact
from agent.signals.host.cgroup import Cgroup
from agent.signals.host.model_process import ModelProcess
from agent.signals.host.sampler import Sample


class FakeHost:
    """A host of our own making."""

    def __init__(self) -> None:
        self.last: Sample | None = None
        self.files: Artifact | None = None

    def samples(self) -> tuple[None, Sample | None]:
        return None, self.last

    def artifact(self) -> Artifact | None:
        return self.files

    def see(self, started: float | None = None, kills: int | None = None, pid: int = 7) -> None:
        model = None
        if started is not None:
            model = ModelProcess((pid, 8), "python", 2, 1.0, 1.0, 9, 3, 1, started)
        group = Cgroup(oom_kills=kills) if kills is not None else None
        machine: Any = None
        self.last = Sample(0.0, machine, None, model, group)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def news(host: FakeHost, told: list[tuple[str, str]]) -> HostNews:
    made: Any = host
    return HostNews(
        made, lambda kind, text: told.append((kind, text)), str, logging.getLogger("test")
    )


def test_what_is_seen_first_is_no_news(host: FakeHost, news: HostNews, told: list[Any]) -> None:
    news.look()
    host.see(started=100.0, kills=3)
    host.files = Artifact(10, 1.0, 1)
    for _ in range(3):
        news.look()
    assert told == []


def test_a_restart(host: FakeHost, news: HostNews, told: list[Any], caplog: Any) -> None:
    for started in (100.0, None, None, 200.0, 200.0):
        host.see(started=started, pid=int(started or 0))
        news.look()
    assert told == [("restart", "the model server (python, pid 200) was restarted")]
    assert caplog.messages == [told[0][1]]


def test_a_kill_at_the_memory_limit(host: FakeHost, news: HostNews, told: list[Any]) -> None:
    for kills in (3, 3, 4, None, 4, 6, 0):
        host.see(started=100.0, kills=kills)
        news.look()
    told_of = [text for kind, text in told if kind == "restart"]
    where = "in the model server's container: its memory was full"
    assert told_of == [f"a process was killed {where}", f"2 processes were killed {where}"]


def test_other_files(host: FakeHost, news: HostNews, told: list[Any]) -> None:
    for files in (Artifact(10, 1.0, 1), None, Artifact(10, 1.0, 1), Artifact(2000, 5.0, 2)):
        host.files = files
        news.look()
        news.look()
    assert told == [("version", "the model's files changed: 2 files, 2,000 bytes")]
