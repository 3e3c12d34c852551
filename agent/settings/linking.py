"""Where the page's links lead; the rest of the settings is in `agent.config`."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from agent.settings.declaring import doc


class TraceLink(str):
    """An `http://` or `https://` URL with `{trace_id}` in it, behind the host."""

    WANTED: ClassVar[str] = (
        "a URL with {trace_id} in it, as https://jaeger.example/trace/{trace_id}"
    )

    def __new__(cls, value: object) -> TraceLink:
        url = super().__new__(cls, value if isinstance(value, str) else "")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"wanted {cls.WANTED}")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise ValueError(f"wanted {cls.WANTED}, with no space in it")
        if "@" in parts.netloc:
            raise ValueError(f"wanted {cls.WANTED}, without a user name or password in it")
        if "{trace_id}" not in url or "{trace_id}" in parts.netloc:
            raise ValueError(f"wanted {cls.WANTED}")
        return url


class Links(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the page to where other things are kept."""

    trace: Annotated[
        TraceLink | None,
        doc(
            "Of a trace in Grafana, Jaeger or Phoenix; {trace_id} becomes its id.",
            "https://jaeger.example/trace/{trace_id}",
        ),
    ] = None
