"""All targets, by name. Rule: no atheris here, so that `make test` can replay every corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz import files, http, inside, pages

CORPUS = Path(__file__).parent / "corpus"

TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": http.reader,
    "response": http.response,
    "known": http.known,
    "trace": http.trace,
    "exchange": inside.exchange,
    "frames": inside.frames,
    "decode": inside.decode,
    "entrance": inside.entrance,
    "sinks": inside.sinks,
    "exposition": pages.exposition,
    "config": files.config,
    "yaml": files.yaml,
    "profile": files.profile,
}
