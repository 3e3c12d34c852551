"""Messages to an incoming webhook of Slack, and of what takes the same.

Rule: nothing in a text is markup or calls anybody. Slack's `&`, `<` and `>` are escaped, without
which there is no link and no <!channel>; where a webhook takes markdown and plain @channel
(Mattermost), an @ and a link are broken by a character without width, and marks by a backslash's
stand-in.

Source: docs.slack.dev, "Formatting message text", "Sending messages using incoming webhooks".
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from agent.alerts.destination import outcome_of, unreached
from agent.alerts.messages import Message, Part, Source, compose
from agent.alerts.telling import Item
from agent.ship.http import NETWORK_ERRORS, Poster
from agent.ship.outcome import Outcome

_NOTHING = "\u200b"
_BROKEN = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "@": f"@{_NOTHING}",
        "`": "'",
        "*": "∗",
        "_": f"_{_NOTHING}",
        "~": "∼",
        "[": "⁅",
        "]": "⁆",
        "|": "¦",
    }
)
_COLOURS = {"critical": "#c0392b", "warning": "#d68910"}
_OVER = "#2e7d32"


class Slack:
    """One webhook."""

    def __init__(self, url: str, source: Source, agent: str) -> None:
        """`agent`: the User-Agent to send."""
        self._source = source
        headers = {"Content-Type": "application/json", "User-Agent": agent}
        self._poster = Poster(url, headers)

    async def push(self, items: Sequence[Item], now: float) -> Outcome:
        """One message of them all."""
        try:
            answer = await self._poster.post(body(compose(items, self._source)))
        except NETWORK_ERRORS as error:
            return unreached(error)
        return outcome_of(answer, time.time())

    async def close(self) -> None:
        await self._poster.close()


def body(message: Message) -> bytes:
    """The request's JSON."""
    attachments = [_attachment(part) for part in message.parts]
    if message.more:
        attachments.append({"fallback": "more", "text": f"And {safe(message.more)}."})
    text = f"*{safe(message.title)}*"
    if message.page:
        text += f"\n<{link(message.page)}|The sidecar's page>"
    return msgspec.json.encode({"text": text, "attachments": attachments})


def _attachment(part: Part) -> dict[str, object]:
    item = part.item
    lines = [f"*{safe(part.title)}*", safe(part.text), f"_{part.when}_"]
    if part.runbook:
        lines.append(f"<{link(part.runbook)}|What to do>")
    return {
        "fallback": safe(f"{part.title}: {part.text}"),
        "color": _OVER if item.is_over else _COLOURS.get(item.severity, ""),
        "mrkdwn_in": ["text"],
        "text": "\n".join(lines),
    }


def safe(text: str) -> str:
    """As it is to be read, whatever it holds."""
    return text.translate(_BROKEN).replace("://", f":{_NOTHING}//")


def link(url: str) -> str:
    """A URL of the settings, between < and >."""
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
