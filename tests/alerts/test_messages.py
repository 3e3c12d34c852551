"""What is said, and that no text of a client's gets out of its place in it."""

from __future__ import annotations

import json
import re
from email import message_from_bytes, policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.alerts import slack
from agent.alerts.email import letter
from agent.alerts.messages import MAX_TEXT, MOST, Source, compose, plain, text
from agent.alerts.telling import Kind
from tests.alerts.factory import SOURCE, item

HOSTILE = (
    "<!channel>",
    "<!everyone|x>",
    "<@U0123> @channel @here @all",
    "<https://evil.test|Click>",
    "https://evil.test/a",
    "[a](javascript:alert(1))",
    "&lt;!channel&gt;",
    "a\r\nBcc: all@example.com\r\n\r\nhidden",
    "a\nb\x0b\x0c\x1c\x85\u2028\u2029c",
    "a\u202eb\u2066c\u200fd",
    "\x1b[2J\x00",
    '"}],"text":"x',
    "\ud800 lone",
    "`*_~ marked ~_*`",
    "x" * 100_000,
    "",
)


def test_one_alert_is_its_own_title() -> None:
    message = compose([item()], SOURCE)
    assert message.title == "warning: Input age of churn drifts (outrider on host-1:8901)"
    [part] = message.parts
    assert part.when == "since 2023-11-14 22:13:20 UTC"
    assert part.runbook == "https://wiki.test/runbooks/ModelInputDrift.md"
    assert not message.is_over


def test_many_are_counted_and_the_first_are_told() -> None:
    items = [item(column=f"c{n}") for n in range(MOST + 30)]
    items += [item(Kind.OVER, "z", name="ModelMissingValues")]
    message = compose(items, SOURCE)
    assert message.title.startswith(f"{MOST + 30} firing, 1 resolved; first: Input c0")
    assert len(message.parts) == MOST
    assert message.more == "30 × ModelInputDrift, 1 × ModelMissingValues"


def test_what_is_over_says_from_when_to_when() -> None:
    message = compose([item(Kind.WAS)], SOURCE)
    assert message.is_over
    assert "from 2023-11-14 22:13:20 UTC to 2023-11-14 22:15:00 UTC" in text(message)
    assert message.title.startswith("was firing: ")


def test_without_links_there_are_none() -> None:
    message = compose([item()], Source("s", "i"))
    assert "http" not in text(message)
    assert b"http" not in slack.body(message)


@given(st.text(max_size=300))
@example("a\x00b\u202ec")
@example("\ud800")
def test_plain_is_one_printable_line(raw: str) -> None:
    clean = plain(raw, 50)
    assert len(clean) <= 50
    assert clean.isprintable()
    assert clean.strip() == clean


@pytest.mark.parametrize("hostile", HOSTILE)
def test_slack_gets_no_markup_and_calls_nobody(hostile: str) -> None:
    message = compose([item(column=hostile, description=hostile)], Source("s", "i"))
    body = json.loads(slack.body(message))
    [attachment] = body["attachments"]
    for said in (body["text"], attachment["text"], attachment["fallback"]):
        assert not re.search(r"[<>]", said), "only links of ours have these, and there are none"
        assert not re.search(r"@\w", said)
        assert "://" not in said
        assert not re.search(r"&(?!(amp|lt|gt);)", said)
        assert "[" not in said
    # The marks of ours: bold title, bold name, italic time.
    assert attachment["text"].count("*") == 2
    assert body["text"].count("*") == 2
    assert len(attachment["text"]) < 4 * MAX_TEXT


def test_slack_links_are_those_of_the_settings() -> None:
    message = compose([item()], SOURCE._replace(page="http://p/?a=1&b=<x|y>"))
    body = json.loads(slack.body(message))
    assert "<http://p/?a=1&amp;b=%3Cx%7Cy%3E|The sidecar's page>" in body["text"]
    runbook = "<https://wiki.test/runbooks/ModelInputDrift.md|What to do>"
    assert runbook in body["attachments"][0]["text"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_letter_has_our_head_alone(hostile: str) -> None:
    items = [item(column=hostile, summary=hostile, description=hostile)]
    made = letter(compose(items, SOURCE), "a@example.com", ["b@example.com", "c@example.com"], 0)
    back = message_from_bytes(made.as_bytes(), policy=policy.default)
    assert set(back.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert back["To"] == "b@example.com, c@example.com"
    assert back["From"] == "a@example.com"
    assert not back.is_multipart()
    assert "ModelInputDrift firing (warning)" in back.get_content()
    assert all(line.isprintable() for line in back.get_content().split("\n"))
    assert max(map(len, back.get_content().split("\n"))) <= MAX_TEXT + 20
