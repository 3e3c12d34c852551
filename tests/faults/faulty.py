"""Outrider with a fault in one of its functions: `python -m tests.faults.faulty run …`.

Rule: the product has no switch for this. The observer is forked as always, and wraps the function
that FAULTY_PLACE names ("module:name" or "module:Class.name") before it begins. A call of
it then fails every other time, with each of FAULTS in turn, or, if FAULTY_HANG is set,
stands still for so many seconds the first time.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from itertools import count, cycle
from typing import Any

from agent import cli, supervisor


class StrangeError(Exception):
    """One that nothing in the product knows."""


FAULTS = (StrangeError, MemoryError, RecursionError, OSError, KeyError, UnicodeDecodeError)


def _fault(kind: type[Exception]) -> Exception:
    if kind is UnicodeDecodeError:
        return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "made by a test")
    return kind("made by a test")


def failing(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, of which every other call raises."""
    calls, kinds = count(), cycle(FAULTS)

    def call(*args: Any, **named: Any) -> Any:
        if next(calls) % 2 == 0:
            raise _fault(next(kinds))
        return work(*args, **named)

    return call


def hanging(work: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """`work`, whose first call takes so long."""
    calls = count()

    def call(*args: Any, **named: Any) -> Any:
        if next(calls) == 0:
            time.sleep(seconds)
        return work(*args, **named)

    return call


def inject(place: str) -> None:
    """Wraps the function at `place`, a method or one that its module looks up by name."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    work = getattr(owner, name)
    seconds = float(os.environ.get("FAULTY_HANG", "0"))
    setattr(owner, name, hanging(work, seconds) if seconds else failing(work))


def main() -> None:
    """The command, with observers that have the fault."""
    observe = supervisor.Supervisor._observe

    def faulty(self: supervisor.Supervisor, *args: Any) -> Callable[[], None]:
        work = observe(self, *args)

        def begin() -> None:
            inject(os.environ["FAULTY_PLACE"])
            work()

        return begin

    supervisor.Supervisor._observe = faulty  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()
