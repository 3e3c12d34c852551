"""What to do next: the first thing that stands in the way, and what it is known by."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from agent.config import Config, ListenTls
from agent.decode.payload import Outcome, Payload
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.observer.decodes import DECODED
from agent.observer.pages.next_step import HELP, address, next_step
from agent.settings.loading import load
from agent.settings.units import Address

ROUTE = {"route": "/score", "dialects": [], "not_decoded": {}, "last_refused": None}
READ = {**ROUTE, "dialects": [{"dialect": "csv", "outcomes": {"ok": 3}}]}


def monitor(reason: str = "", rows: int | None = 5000) -> Monitor:
    made = Monitor(Settings(learn_rows=rows))
    made.add(Payload("m", "", "", {"a": [1.0, 2.0]}, {}, 2, 0, 0))
    for model in made.models.values():
        model.reason = reason
    return made


def step(requests: int, routes: Any = (), made: Monitor | None = None, **config: Any) -> Any:
    return next_step(Config(**config), requests, routes, [*made.models.values()] if made else [])


def test_without_traffic_a_line_to_try_it_with() -> None:
    found = step(0, listen=Address("0.0.0.0:9000"), tls=ListenTls(cert="crt", key="key"))
    assert found["kind"] == "no_traffic"
    assert found["text"].splitlines()[-1] == "curl -i -k https://127.0.0.1:9000/"


def test_a_port_that_the_kernel_chose_is_not_told_as_0() -> None:
    assert ":0" not in step(0, listen=Address("127.0.0.1:0"))["text"]


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (":8900", "http://127.0.0.1:8900"),
        ("[::]:1", "http://[::1]:1"),
        ("10.0.0.1:80", "http://10.0.0.1:80"),
    ],
)
def test_the_address_is_one_that_can_be_asked(listen: str, url: str) -> None:
    assert address(Config(listen=Address(listen))) == url


def test_nothing_is_said_before_the_first_payload_was_looked_at() -> None:
    assert step(3) is None


def test_what_was_refused_last_is_told_with_what_would_help() -> None:
    last = {"at": "2026-11-29T10:00", "outcome": "malformed", "why": "byte 7", "shape": "{a: …"}
    older = {**ROUTE, "route": "/old", "last_refused": {**last, "at": "2026-11-28"}}
    found = step(3, [older, {**ROUTE, "not_decoded": {"malformed": 3}, "last_refused": last}])
    assert found["kind"] == "not_decoded"
    lines = found["text"].splitlines()
    assert lines[0] == "On /score the last one was malformed (byte 7)."
    assert lines[-1] == "outrider decode BODY --path /score"
    assert (found["evidence"]["route"], found["evidence"]["shape"]) == ("/score", "{a: …")


def test_a_line_to_be_pasted_does_what_it_says_whatever_the_path() -> None:
    path = "/x; rm -rf ~ 'PATH' $(id)"
    last = {"at": "", "outcome": "unsupported", "why": ""}
    lines = step(3, [{**ROUTE, "route": path, "last_refused": last}])["text"].splitlines()
    [command] = [line for line in lines if line.startswith("outrider")]
    assert shlex.split(command) == ["outrider", "decode", "BODY", "--path", path]
    [setting] = [line for line in lines if line.startswith("  ")]
    assert yaml.safe_load(setting)["routes"][0]["path"] == path


def test_without_a_refused_one_the_outcome_is_told() -> None:
    found = step(3, [{**ROUTE, "not_decoded": {"not_captured_unsampled": 3}}])
    assert "  capture: {sample_ratio: 1}" in found["text"].splitlines()


def test_each_outcome_has_something_that_helps() -> None:
    assert {*get_args(Outcome)} - DECODED <= HELP.keys()


@pytest.mark.parametrize("outcome", HELP)
def test_each_setting_that_is_shown_is_one(outcome: str, tmp_path: Path) -> None:
    for line in HELP[outcome]:
        if line.startswith(" "):
            file = tmp_path / "outrider.yaml"
            file.write_text(line.replace("PATH", '"/score"').strip())
            load(str(file))


def test_where_payloads_are_not_looked_at_that_is_why() -> None:
    assert "observe is off" in step(3, observe="off")["text"]


def test_learning_says_how_far_it_is() -> None:
    found = step(3, [READ], monitor())
    assert (found["kind"], found["evidence"]["rows"], found["evidence"]["of"]) == (
        "learning", 2, 5000,
    )  # fmt: skip


def test_without_a_reference_how_to_build_one() -> None:
    found = step(3, [READ], monitor("the file is not there", rows=None))
    assert found["kind"] == "no_reference"
    assert "the file is not there" in found["text"]
    assert "outrider profile build" in found["text"]


def test_nothing_is_left_to_do_once_all_is_seen() -> None:
    assert step(3, [ROUTE, READ]) is None
