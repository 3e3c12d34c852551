"""What happened to the model server beside its answers: started again, files changed, killed.

Rule: looked at each second in what was sampled anyway; told in the log and in the events of the
day. What is seen for the first time is no news.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from agent.history.events import Kind
from agent.signals.host.artifact import Artifact
from agent.signals.host.sampler import Host, Sample

Note = Callable[[Kind, str], None]


class HostNews:
    """`note` takes an event of the day, `name` makes a text fit to be shown."""

    def __init__(
        self, host: Host, note: Note, name: Callable[[str], str], log: logging.Logger
    ) -> None:
        self._host = host
        self._note = note
        self._name = name
        self._log = log
        self._sample: Sample | None = None
        self._started: float | None = None
        self._kills: int | None = None
        self._files: Artifact | None = None

    def look(self) -> None:
        """Tells what is new."""
        last = self._host.samples()[1]
        found: list[tuple[Kind, str]] = []
        if last is not None and last is not self._sample:
            self._sample = last
            found += self._restarted(last)
            found += self._killed(last)
        found += self._changed(self._host.artifact())
        for kind, text in found:
            self._note(kind, text)
            self._log.warning(self._name(text))

    def _restarted(self, last: Sample) -> Iterator[tuple[Kind, str]]:
        model = last.model
        if model is None:
            return
        known, self._started = self._started, model.started
        if known is not None and model.started != known:
            yield "restart", f"the model server ({model.name}, pid {model.pids[0]}) was restarted"

    def _killed(self, last: Sample) -> Iterator[tuple[Kind, str]]:
        group = last.model_cgroup
        if group is None or group.oom_kills is None:
            return
        known, self._kills = self._kills, group.oom_kills
        more = group.oom_kills - known if known is not None else 0
        if more > 0:
            who = "a process was" if more == 1 else f"{more} processes were"
            yield "restart", f"{who} killed in the model server's container: its memory was full"

    def _changed(self, files: Artifact | None) -> Iterator[tuple[Kind, str]]:
        if files is None or files == self._files:
            return
        known, self._files = self._files, files
        if known is not None:
            text = f"the model's files changed: {files.files} files, {files.size:,} bytes"
            yield "version", text
