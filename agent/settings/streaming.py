"""The settings of answers that come event by event; the rest is in `agent.config`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from agent.settings.declaring import default, doc
from agent.settings.units import Duration


class Streams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Server-sent events, and JSON documents one a line."""

    stall: Annotated[
        Duration,
        doc(
            "A longer wait between two events counts as a stall. Servers that send comments to "
            "keep a connection open do so every 15 s or more seldom: more would see none.",
            "10s",
            "off",
        ),
    ] = default(Duration, "10s")
