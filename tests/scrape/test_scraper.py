"""Reading again and again: what is shown while it goes well, and when it does not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample

from agent.scrape import scraper
from agent.scrape.collector import ScrapeCollector
from agent.scrape.fetch import Page, Unread
from agent.scrape.scraper import STALE, Scraper
from agent.settings.scraping import Scrape


class Server:
    """Answers with what it is told to; time goes on by 10 s a reading."""

    def __init__(self, **settings: object) -> None:
        self.answer: bytes | Exception = b""
        self.kind = "text/plain"
        self.now = 0.0
        log = logging.getLogger("outrider-test-scrape")
        self.scraper = Scraper(
            Scrape(**settings),  # type: ignore[arg-type]
            self._fetch,
            lambda text: text,
            log,
            lambda: self.now,
        )

    async def _fetch(self) -> Page:
        if isinstance(self.answer, Exception):
            raise self.answer
        return Page(self.answer, self.kind)

    def read(self, answer: bytes | Exception) -> dict[str, float]:
        """What is shown after it, by name and reason."""
        self.answer = answer
        asyncio.run(self.scraper.read())
        self.now += 10.0
        return dict(self._shown())

    def _shown(self) -> Iterator[tuple[str, float]]:
        for family in ScrapeCollector(self.scraper).collect():
            for sample in family.samples:
                reason = sample.labels.get("reason")
                yield (f"{sample.name} {reason}" if reason else sample.name), sample.value


GOOD = b"# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting 7\n"
QUEUE = "outrider_load_server_queue_requests"


def test_nothing_is_shown_before_the_first_reading() -> None:
    server = Server()
    assert dict(server._shown()) == {}
    assert server.scraper.status()["up"] is None
    assert server.scraper.told() is None
    assert [f.samples for f in ScrapeCollector(None).collect() if f.samples] == []


def test_it_shows_what_it_read_and_what_the_server_says() -> None:
    server = Server(job="vllm")
    found = server.read(GOOD)
    assert found["vllm:num_requests_waiting"] == 7
    assert found[QUEUE] == 7
    assert (found["outrider_scrape_up"], found["outrider_scrape_samples"]) == (1, 1)
    assert server.scraper.told() == {
        "queue": 7,
        "running": None,
        "kv_cache_usage": None,
        "evidence": {"queue": "vllm:num_requests_waiting"},
    }
    [family] = server.scraper.families
    assert family.samples[0].labels == {"job": "vllm"}


def test_numbers_are_never_frozen(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    server.read(GOOD)
    gone = Unread("status 503")
    for _ in range(STALE - 1):
        found = server.read(gone)
        assert found["outrider_scrape_up"] == 0
        assert found["vllm:num_requests_waiting"] == 7
    found = server.read(gone)
    assert "vllm:num_requests_waiting" not in found
    assert QUEUE not in found
    assert (found["outrider_scrape_up"], found["outrider_scrape_samples"]) == (0, 0)
    assert server.scraper.status()["why"] == "status 503"
    assert [r.message for r in caplog.records] == [
        "the model server's metrics cannot be read: status 503"
    ], "once, not each time"
    server.read(GOOD.replace(b"7", b"8"))
    assert server.read(GOOD)["vllm:num_requests_waiting"] == 7
    assert server.scraper.status()["why"] is None


def test_what_is_left_out_is_counted_each_time_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(max_series=2)
    text = b'a{b=} 1\nb{c="1"} 1\nb{c="2"} 1\nd 1\na nothing\n<p>\n'
    for times in (1, 2):
        found = server.read(text)
        assert found["outrider_scrape_dropped_total malformed"] == 2 * times
        assert found["outrider_scrape_dropped_total series"] == 2 * times
        assert found["outrider_scrape_dropped_total label"] == 0
    assert len(caplog.records) == 1


def test_counters_that_begin_anew_are_shown_as_they_come() -> None:
    server = Server()
    assert server.read(b"# TYPE a_total counter\na_total 9\n")["a_total"] == 9
    assert server.read(b"# TYPE a_total counter\na_total 1\n")["a_total"] == 1


def test_the_queue_of_waiting_times_needs_two_readings() -> None:
    server = Server()
    name = b"# TYPE ts_queue_latency_microseconds counter\nts_queue_latency_microseconds "
    assert QUEUE not in server.read(name + b"1000000\n")
    assert server.read(name + b"6000000\n")[QUEUE] == pytest.approx(0.5)
    assert QUEUE not in server.read(name + b"0\n"), "it began anew"


def test_a_fault_of_ours_costs_a_reading_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    assert server.read(RuntimeError("ours"))["outrider_scrape_up"] == 0
    assert "ours" in caplog.text
    assert server.read(GOOD)["outrider_scrape_up"] == 1


def test_what_could_not_be_written_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Should shaping ever let something pass that breaks the page, it costs theirs, not ours."""
    server = Server()
    broken = Metric("a", "", "gauge")
    broken.samples.append(Sample("a", {}, 1.0, None, Exemplar({"trace_id": "1"}, 1.0)))
    monkeypatch.setattr(scraper, "shaped", lambda *_: [broken])
    found = server.read(GOOD)
    assert found["outrider_scrape_up"] == 0
    assert "a" not in found
    assert "a fault in reading" in caplog.text


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_page_for_people_is_told(kind: str) -> None:
    server = Server()
    server.kind = kind
    assert server.read(b"<html>")["outrider_scrape_up"] == 0
    assert "exposition" in server.scraper.why


def test_others_have_their_turn_while_many_labels_are_looked_through() -> None:
    server = Server()
    lines = (f'a{{b="{n}"}} 1\n' for n in range(500))
    server.answer = "".join(lines).encode()
    turns: list[int] = []
    asked: list[int] = []
    """The turn in which each text was looked at."""

    def show(text: str) -> str:
        asked.append(len(turns))
        return text

    async def main() -> None:
        server.scraper._show = show
        reading = asyncio.create_task(server.scraper.read())
        while not reading.done():
            turns.append(0)
            await asyncio.sleep(0)

    asyncio.run(main())
    assert server.scraper.samples == 500
    assert len(asked) >= 500
    assert max(Counter(asked).values()) <= scraper.AT_ONCE
