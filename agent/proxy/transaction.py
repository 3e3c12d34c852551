"""One request and its response while they are under way.

Rule: plain data. The downstream side writes what it learns of the request, the upstream side
what it learns of the response, and `account.py` reads both when it is over. Times are
`time.monotonic()` seconds; 0.0 means that it has not happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.exchange import Fields
from agent.proxy.routes import Route

if TYPE_CHECKING:
    from agent.proxy.capture import Capture
    from agent.proxy.downstream import Downstream
    from agent.proxy.upstream import Upstream

COPY_LIMIT = 64 << 10
"""Bytes of a request kept for the one retry; a longer one cannot be sent again."""


class Transaction:
    """See the module. `out` holds pieces for the model server that are not written yet."""

    __slots__ = (
        "active_row",
        "capture",
        "chunked",
        "close",
        "connect",
        "copy",
        "copy_size",
        "downstream",
        "ended",
        "error",
        "expect",
        "fields",
        "first_out",
        "first_read",
        "head_sent",
        "head_written",
        "largest_gap",
        "last_read",
        "length",
        "method",
        "out",
        "out_size",
        "pieces",
        "request_copy",
        "request_done",
        "request_id",
        "request_size",
        "request_written",
        "resent",
        "response_copy",
        "response_done",
        "response_fields",
        "response_size",
        "reused",
        "route",
        "start",
        "start_ns",
        "status",
        "target",
        "trace",
        "upgrade",
        "upstream",
        "version",
        "waited",
    )

    def __init__(
        self,
        downstream: Downstream,
        method: bytes,
        target: bytes,
        version: str,
        fields: Fields,
        start: float,
        start_ns: int,
    ) -> None:
        self.downstream = downstream
        self.upstream: Upstream | None = None
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
        self.start = start
        self.start_ns = start_ns
        self.route: Route
        self.active_row = 0
        self.request_id = b""
        self.trace: tuple[bytes, bytes, bytes, bytes, bytes] | None = None
        self.capture = "off"
        self.request_copy: Capture | None = None
        self.response_copy: Capture | None = None
        self.chunked = False
        self.length = 0
        self.expect = False
        self.upgrade = b""
        self.close = False
        self.out: list[bytes] = []
        self.out_size = 0
        self.copy: list[bytes] | None = []
        self.copy_size = 0
        self.request_size = 0
        self.request_done = False
        self.response_fields: Fields = []
        self.response_size = 0
        self.response_done = False
        self.head_sent = False
        """The final response's head went to the client."""
        self.pieces = 0
        self.largest_gap = 0.0
        self.status = 0
        self.error = ""
        self.reused = False
        self.resent = False
        self.ended = False
        self.connect = -1.0
        self.waited = 0.0
        self.head_written = 0.0
        self.request_written = 0.0
        self.first_read = 0.0
        self.last_read = 0.0
        self.first_out = 0.0
