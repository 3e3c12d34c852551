"""Loki gets the same streams in either encoding, and its answers mean what its table says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agent.ship import loki
from agent.ship.loki import MAX_LINE, Loki
from agent.ship.outcome import Outcome, Verdict
from agent.ship.queue import MemoryQueue, Record
from agent.ship.sender import Policy, Sender
from tests.ship.logproto import PushRequest
from tests.ship.receivers import HttpReceiver, Request, http_receiver
from tests.ship.sinks import run, until

Streams = dict[tuple[tuple[str, str], ...], list[tuple[int, str, dict[str, str]]]]


@dataclass
class Settings:
    url: str
    encoding: str = "json"
    tenant: str | None = None
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def from_json(body: bytes) -> Streams:
    return {
        tuple(stream["stream"].items()): [
            (int(ns), line, rest[0] if rest else {}) for ns, line, *rest in stream["values"]
        ]
        for stream in json.loads(body)["streams"]
    }


def from_protobuf(body: bytes) -> Streams:
    pair = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')
    return {
        tuple((name, json.loads(value)) for name, value in pair.findall(stream.labels)): [
            (
                entry.timestamp.seconds * 10**9 + entry.timestamp.nanos,
                entry.line,
                {p.name: p.value for p in entry.structuredMetadata},
            )
            for entry in stream.entries
        ]
        for stream in PushRequest.FromString(body).streams
    }


def decode(request: Request) -> Streams:
    read = from_json if request.headers["content-type"] == "application/json" else from_protobuf
    return read(request.unpacked)


def line(n: int, level: str = "info", **metadata: str) -> Record:
    labels = (("service_name", "m"), ("model", 'a"b\\ü'), ("level", level))
    return Record(10**18 + n, f'{{"n":{n},"t":"ü"}}'.encode(), labels, tuple(metadata.items()))


BATCH = [line(1, trace_id="ab", request_id="x"), line(2, "error"), line(3), line(4, "error")]


async def pushed(settings: Settings, batch: Sequence[Record], status: int = 204) -> Any:
    async with http_receiver() as receiver:
        receiver.answer = lambda _: web.Response(status=status)
        settings.url = settings.url.format(receiver.url)
        sink = Loki(settings, "outrider/1")
        outcome = await sink.push(batch)
        await sink.close()
        [request] = receiver.requests
        return outcome, request


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_streams_by_labels_lines_in_order_ids_as_metadata(encoding: str) -> None:
    settings = Settings("{}", encoding, labels={"cluster": "eu-1"})
    outcome, request = run(pushed(settings, BATCH))
    assert outcome.verdict is Verdict.OK
    assert request.path == "/loki/api/v1/push"
    common = (("service_name", "m"), ("model", 'a"b\\ü'))
    assert decode(request) == {
        (*common, ("level", "info"), ("cluster", "eu-1")): [
            (10**18 + 1, '{"n":1,"t":"ü"}', {"trace_id": "ab", "request_id": "x"}),
            (10**18 + 3, '{"n":3,"t":"ü"}', {}),
        ],
        (*common, ("level", "error"), ("cluster", "eu-1")): [
            (10**18 + 2, '{"n":2,"t":"ü"}', {}),
            (10**18 + 4, '{"n":4,"t":"ü"}', {}),
        ],
    }


@pytest.mark.parametrize(
    ("settings", "path", "headers"),
    [
        (Settings("{}/"), "/loki/api/v1/push", {"user-agent": "outrider/1"}),
        (Settings("{}/own/path"), "/own/path", {}),
        (Settings("{}", tenant="team-a"), "/loki/api/v1/push", {"x-scope-orgid": "team-a"}),
        (Settings("{}", token="t"), "/loki/api/v1/push", {"authorization": "Bearer t"}),
        (Settings("{}", headers={"X-Key": "v"}), "/loki/api/v1/push", {"x-key": "v"}),
    ],
)
def test_where_and_with_what(settings: Settings, path: str, headers: dict[str, str]) -> None:
    _, request = run(pushed(settings, BATCH))
    assert request.path == path
    assert headers.items() <= request.headers.items()


def test_user_and_password_of_the_url_become_a_header() -> None:
    url, headers = loki.endpoint("https://u%40x:p@loki.example:3100")
    assert url == "https://loki.example:3100/loki/api/v1/push"
    assert headers == {"authorization": "Basic dUB4OnA="}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (204, Verdict.OK),
        (200, Verdict.REJECT),
        (260, Verdict.REJECT),
        (400, Verdict.SPLIT),
        (413, Verdict.SPLIT),
        (401, Verdict.REJECT),
        (404, Verdict.REJECT),
        (429, Verdict.RETRY),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
    ],
)
def test_lokis_table(status: int, verdict: Verdict) -> None:
    outcome, _ = run(pushed(Settings("{}"), BATCH, status))
    assert outcome.verdict is verdict


def test_nobody_there_is_tried_again() -> None:
    async def main() -> Outcome:
        async with http_receiver() as receiver:
            url = receiver.url
        sink = Loki(Settings(url), "o")
        outcome = await sink.push(BATCH)
        await sink.close()
        return outcome

    assert run(main()).verdict is Verdict.RETRY


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_of_a_refused_batch_the_good_lines_arrive(encoding: str) -> None:
    def judge(request: Request) -> web.Response:
        lines = [text for values in decode(request).values() for _, text, _ in values]
        return web.Response(status=400 if any('"n":5' in text for text in lines) else 204)

    async def main() -> tuple[HttpReceiver, dict[str, int]]:
        async with http_receiver() as receiver:
            receiver.answer = judge
            sink = Loki(Settings(receiver.url, encoding), "o")
            sender = Sender("loki", "loki", sink, MemoryQueue(), Policy(linger=0.0))
            sender.start()
            sender.put([line(n) for n in range(8)])
            await until(lambda: sender.status().records == 0)
            await sender.stop(10)
            return receiver, sender.status().outcomes

    receiver, outcomes = run(main())
    assert (outcomes["sent"], outcomes["rejected"]) == (7, 1)
    arrived = sorted(
        ns - 10**18
        for request in receiver.requests
        if judge(request).status == 204
        for values in decode(request).values()
        for ns, _, _ in values
    )
    assert arrived == [0, 1, 2, 3, 4, 6, 7]


@pytest.mark.parametrize("encode", [loki.encode_json, loki.encode_protobuf])
def test_a_line_too_long_for_loki_is_cut_between_characters(encode: Any) -> None:
    body = encode([Record(1, "ü".encode() * MAX_LINE, (("a", "b"),))])
    read = from_json if encode is loki.encode_json else from_protobuf
    [[(_, text, _)]] = read(body).values()
    assert len(text.encode()) == MAX_LINE


texts = st.text(st.characters(codec="utf-8"), max_size=20)
labels = st.lists(st.tuples(st.sampled_from("abc"), texts), max_size=3, unique_by=lambda p: p[0])


@given(
    st.lists(
        st.builds(
            Record,
            st.integers(0, 2**62),
            texts.map(str.encode),
            labels.map(tuple),
            labels.map(tuple),
        )
    )
)
def test_both_encodings_say_the_same(batch: list[Record]) -> None:
    assert from_json(loki.encode_json(batch)) == from_protobuf(loki.encode_protobuf(batch))
