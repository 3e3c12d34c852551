"""Outrider's own log lines: started, sink away, a setting ignored.

Rule: the same JSON shape as the requests' lines, on standard error, by the logger "outrider";
nothing global is touched.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, TextIO

from pythonjsonlogger.msgspec import MsgspecFormatter

NAME = "outrider"


class _Formatter(MsgspecFormatter):
    """Adds `timestamp` and `level` as the contract writes them."""

    def __init__(self, service: str) -> None:
        super().__init__(["message"], static_fields={"service.name": service})

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        log_data["timestamp"] = f"{whole}.{int(record.created % 1 * 1e6):06d}Z"
        log_data["level"] = record.levelname.lower()
        super().add_fields(log_data, record, message_dict)


def make(service: str, level: str = "info", stream: TextIO | None = None) -> logging.Logger:
    """The logger, with its one handler replaced if it had one; `extra` becomes fields."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(_Formatter(service))
    logger = logging.getLogger(NAME)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    return logger
