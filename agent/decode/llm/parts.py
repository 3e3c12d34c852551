"""Values of a JSON document that may be of any type: what is not as expected counts as absent."""

from __future__ import annotations

from agent.decode.bodies.events import Document
from agent.decode.payload import MAX_NAME, Columns, Refused, Value

MAX_PARTS = 10_000
"""Messages and parts of them that are looked at; a request of more is refused."""
MOST = 1 << 53
"""Numbers beyond are no counts."""
MEDIA = frozenset(
    ("image", "image_url", "input_image", "audio", "input_audio", "video", "video_url")
).union(("document", "file", "input_file"))
"""Types of parts of a message that are no texts, in the APIs of this room."""


def mapping(value: object) -> Document:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def name(value: object) -> str:
    """A string that is a name: what is kept of it."""
    return text(value)[:MAX_NAME]


def count(value: object) -> int | None:
    """A number of something, or None."""
    return value if type(value) is int and 0 <= value < MOST else None


def number(value: object) -> float | int | None:
    """A number, or None."""
    return value if type(value) is int or type(value) is float else None


def row(values: dict[str, Value]) -> Columns:
    """Columns of one row; what is missing in it is left out."""
    return {key: (value,) for key, value in values.items() if value is not None}


def _data(part: Document) -> object:
    """The data of an image: OpenAI's, of both APIs, and Anthropic's; or what is none."""
    url = part.get("image_url")
    return mapping(url).get("url") or url or mapping(part.get("source")).get("data")


class Content:
    """The texts of messages, and how much is in them that is no text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.media = 0
        """Images, sounds, films and files."""
        self.image: object = None
        """Of the last one that is in the request itself, in base64 or as a `data:` URL."""
        self._room = MAX_PARTS

    def add(self, content: object, *, is_result: bool = False) -> None:
        """A message's content: a text, or a list of parts; `is_result`: of a tool, in such a part.

        Raises Refused if there are too many.
        """
        parts = content if isinstance(content, list) else [content]
        self._room -= len(parts)
        if self._room < 0:
            raise Refused("too_large", f"it has more than {MAX_PARTS} messages and parts")
        for part in parts:
            said = part if isinstance(part, str) else mapping(part).get("text")
            if isinstance(said, str):
                self.texts.append(said)
                continue
            kind = text(mapping(part).get("type"))
            if kind in MEDIA:
                self.media += 1
                self.image = _data(mapping(part)) or self.image
            elif kind == "tool_result" and not is_result:
                self.add(mapping(part).get("content"), is_result=True)

    def add_messages(self, messages: list[object]) -> None:
        """What all messages of a conversation say. Raises Refused as above."""
        for message in messages:
            self.add(mapping(message).get("content"))
