"""The settings of the model server's own metrics; the rest of the settings is in `agent.config`."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from msgspec import Struct

from agent.settings.declaring import Count, Text, default, doc
from agent.settings.units import Duration, Size, Url

_PATH = re.compile(r"/[!-~]*")


class MetricsPage(str):
    """Where an exposition is: a `Url`, or a path of the upstream such as `/metrics`."""

    WANTED: ClassVar[str] = (
        "a URL like http://127.0.0.1:8002/metrics, or a path of the upstream like /metrics"
    )
    of_upstream: bool
    """Whether it is a path alone."""

    def __new__(cls, value: object) -> MetricsPage:
        text = value if isinstance(value, str) else ""
        of_upstream = bool(_PATH.fullmatch(text)) and not text.startswith("//")
        if not of_upstream or "#" in text or "?" in text:
            try:
                Url(text)
            except ValueError as error:
                more = str(error).removeprefix(f"wanted {Url.WANTED}")
                raise ValueError(f"wanted {cls.WANTED}{more}") from None
        page = super().__new__(cls, text)
        page.of_upstream = of_upstream
        return page


class Scrape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model server's own metrics, read and shown beside ours (docs/load.md)."""

    url: Annotated[
        MetricsPage | None,
        doc(
            "Where they are: a URL, or a path of the upstream; null: they are not read.",
            "http://127.0.0.1:8002/metrics",
            "/metrics",
        ),
    ] = None
    every: Annotated[Duration, doc("Between two readings, 1s to 1h.", "15s")] = default(
        Duration, "15s"
    )
    timeout: Annotated[Duration, doc("For one reading, not longer than `every`.", "5s")] = default(
        Duration, "5s"
    )
    job: Annotated[Text, doc("Their label `job`.", "vllm")] = "model_server"
    keep: Annotated[
        tuple[Text, ...],
        doc("Names that are shown, with * for anything; none: all.", ["vllm:*", "nv_inference_*"]),
    ] = ()
    max_series: Annotated[Count, doc("Series that are shown; whole families of them.", 2000)] = 2000
    max_bytes: Annotated[Size, doc("A longer page is not read.", "4MiB")] = default(Size, "4MiB")
