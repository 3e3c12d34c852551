"""What a run of the benchmark is told: how long, how often, where, and who."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Custom:
    """A contestant named on the command line: `NAME[@PORT]=COMMAND`.

    `{port}` and `{model}` in the command are replaced by the ports it listens on and forwards to.
    """

    name: str
    port: int | None

    command: str

    @classmethod
    def parse(cls, text: str) -> Custom:
        """From the command line. Raises ValueError if it has no `=` or a port is no number."""
        label, separator, command = text.partition("=")
        if not separator:
            raise ValueError(f"{text!r} is not NAME=COMMAND")
        name, _, port = label.partition("@")
        return cls(name, int(port) if port else None, command)


@dataclass(frozen=True)
class Settings:
    """Durations in seconds."""

    rounds: int = 3
    seconds: float = 2.0
    tries: int = 3
    """Loads until one is quiet; else the quietest of them counts."""
    connections: int = 16
    requests: int = 200_000
    """For the question of memory."""
    idle: float = 10.0
    body: int = 100_000_000
    """Bytes of the large body."""
    streams: int = 1000
    starts: int = 5
    proxy_core: int = 0
    other_core: int = 1
    model_port: int = 0
    """Of the upstream; 0 takes a free one."""
    usable: frozenset[int] = field(default_factory=lambda: frozenset(os.sched_getaffinity(0)))
    """Cores that this process may run on, before it keeps to one."""
    ids: bool = False
    """No two requests in a row have the same head."""
    only: tuple[str, ...] = ()
    custom: tuple[Custom, ...] = ()
    command: str = "python -m bench"
    """As typed, for the report."""

    def cores(self, count: int) -> list[int]:
        """Of the machine's, for a contestant with `count` workers; on a small machine fewer."""
        spare = self.usable - {self.proxy_core, self.other_core}
        return [self.proxy_core, *sorted(spare)][:count]

    @property
    def partial(self) -> bool:
        """Not the whole field: such results are shown, not kept."""
        return bool(self.only or self.custom)
