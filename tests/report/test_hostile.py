"""Names and categories that would be script, markup, links or further lines, in every form.

The page is opened in a real browser, where a canary would show if anything of it ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page

from agent.report.cli import as_json
from agent.report.content import Report
from agent.report.html.page import html
from agent.report.junit import junit
from agent.report.markdown import markdown
from tests.report.reports import categorical, report

in_browser = pytest.mark.needs("chromium")
CANARY = "document.documentElement.dataset.ran='yes'"
HOSTILE = [
    f"<script>{CANARY}</script>",
    f"</title></style><script>{CANARY}</script>",
    f'"><img src=x onerror="{CANARY}">',
    f"' onmouseover='{CANARY}' autofocus onfocus='{CANARY}",
    f"<svg/onload={CANARY}>",
    f"javascript:{CANARY}",
    "]]><a/>&xxe;<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "| a | b |\n|---|---|\n# title\n- [x](http://evil.example) @everyone ![i](http://evil.example/i)",
    "``` `x` ```",
    "level=error msg=forged\r\n2026-01-01 all is well\x1b[2J\x00\x07",
    "\u202eright to left\u2028line\x85next",
    "{{constructor.constructor('alert(1)')()}} ${7*7} <%= 7*7 %>",
]


@pytest.fixture(scope="module")
def hostile() -> Report:
    """Each name is a column, and a category of every column."""
    n = len(HOSTILE)
    before = [categorical(name, HOSTILE, [1000] * n) for name in HOSTILE]
    after = [categorical(name, HOSTILE, [3000, *[500] * (n - 1)]) for name in HOSTILE]
    return report(before, after, model=HOSTILE[0], version=HOSTILE[2])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with closing(browser.new_page()) as page:
        yield page


@in_browser
def test_nothing_of_it_runs_or_is_fetched_in_a_browser(
    hostile: Report, page: Page, tmp_path: Path
) -> None:
    assert all(column.state == "drift" for column in hostile.columns())
    target = tmp_path / "report.html"
    target.write_text(html(hostile))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(target.as_uri())
    page.mouse.move(200, 300)
    assert page.evaluate("document.documentElement.dataset.ran") is None
    assert asked == [target.as_uri()]
    tags = page.evaluate("[...new Set([...document.querySelectorAll('*')].map(e => e.localName))]")
    assert not {"script", "img", "a", "iframe", "object", "form", "foreignObject"} & {*tags}
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert not [name for name in page.evaluate(handlers) if name.startswith("on")]
    assert f"<script>{CANARY}</script>" in page.inner_text("body")


@in_browser
def test_the_policy_stops_what_would_still_get_in(
    hostile: Report, page: Page, tmp_path: Path
) -> None:
    """As if an escape were forgotten: the policy of the page itself refuses it."""
    broken = html(hostile).replace("<main>", f"<main><script>{CANARY}</script>", 1)
    target = tmp_path / "broken.html"
    target.write_text(broken)
    page.goto(target.as_uri())
    assert page.evaluate("document.documentElement.dataset.ran") is None
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "960px"


def test_xml_is_read_and_says_the_same_names(hostile: Report) -> None:
    suites = ElementTree.fromstring(junit(hostile))
    names = [case.get("name") for case in suites.iter("testcase")]
    assert sorted(names) == sorted(column.name for column in hostile.columns())
    assert f"<script>{CANARY}</script>" in names


def test_json_is_read_and_its_texts_are_single_lines(hostile: Report) -> None:
    read = json.loads(as_json(hostile))

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        for inner in value.values() if isinstance(value, dict) else ():
            yield from texts(inner)
        for inner in value if isinstance(value, list) else ():
            yield from texts(inner)

    assert all(text.isprintable() for text in texts(read))


def test_markdown_has_its_names_in_code_spans_alone(hostile: Report) -> None:
    text = markdown(hostile)
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(HOSTILE)
    assert {line.count("|") for line in rows} == {6}
    outside = "".join("".join(line.split("`")[::2]) for line in lines)
    assert all(line.count("`") % 2 == 0 for line in lines)
    for sign in ("<script", "<img", "](", "@everyone", "evil", "# title"):
        assert sign not in outside
