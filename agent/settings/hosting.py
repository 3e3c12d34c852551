"""The settings of what is seen beside the traffic; the rest is in `agent.config`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from agent.settings.declaring import Text, default, doc
from agent.settings.units import Duration


class Model(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model server serves."""

    path: Annotated[
        Text | None,
        doc("File or folder of the model, to show its size and change time.", "/models/iris"),
    ] = None


class HostFigures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of machine, container, the model server's process and GPUs."""

    sample: Annotated[
        Duration, doc("How often they are looked at, 1s to 1h; off: never.", "10s", "off")
    ] = default(Duration, "10s")
