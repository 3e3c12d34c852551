"""A program that does one thing each time it is asked: for libraries measured in turns.

Rule: the standard library only, since it also runs in the environments of peers. A line of JSON
in, a line of JSON out; the first line out says which versions there are.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def answer(versions: dict[str, str], tasks: dict[str, Callable[..., Any]]) -> None:
    """Do `{"task": name, …arguments}` until the input ends; print what the task gives."""
    out = sys.stdout
    sys.stdout = sys.stderr  # a library that prints must not answer for us
    print(json.dumps(versions), file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = tasks[asked.pop("task")](**asked)
        print(json.dumps(found), file=out, flush=True)


class Clock:
    """CPU seconds of the whole process, all threads, while it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Clock:
        self._began = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.process_time() - self._began
