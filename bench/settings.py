"""What a run of the benchmark is told: how long, how often, where, and who."""

from __future__ import annotations

from dataclasses import dataclass


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

    rounds: int = 5
    seconds: float = 5.0
    connections: int = 16
    requests: int = 200_000
    """For the question of memory."""
    idle: float = 20.0
    body: int = 200_000_000
    """Bytes of the large body."""
    streams: int = 1000
    starts: int = 5
    proxy_core: int = 0
    other_core: int = 1
    model_port: int = 0
    """Of the upstream; 0 takes a free one."""
    ids: bool = False
    """No two requests in a row have the same head."""
    only: tuple[str, ...] = ()
    custom: tuple[Custom, ...] = ()
    command: str = "python -m bench"
    """As typed, for the report."""

    @property
    def partial(self) -> bool:
        """Not the whole field: such results are shown, not kept."""
        return bool(self.only or self.custom)
