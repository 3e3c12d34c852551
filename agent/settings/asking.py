"""What the model server itself is asked; the rest of the settings is in `agent.config`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from agent.settings.declaring import default, doc
from agent.settings.units import Duration


class Metadata(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model server says of its models."""

    ask: Annotated[
        bool,
        doc("Ask it once for names and versions that requests lack; false: never.", False),
    ] = True
    timeout: Annotated[
        Duration,
        doc("For one question; rows without names wait two and a half times so long.", "2s"),
    ] = default(Duration, "2s")
