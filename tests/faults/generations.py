"""Generations of one Outrider: the next takes over from the one that runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.harness import Metrics, Outrider, eventually, get

TAKEN = "has taken over"
ASKS = "asks to take over"
COUNT = "http_server_request_duration_seconds_count"


def begin(old: Outrider, settings: dict[str, Any] | None = None, **more: Any) -> Outrider:
    """Starts the next generation on the same ports, and waits for nothing."""
    args = ["--takeover", *more.pop("args", ())]
    settings = old.settings if settings is None else settings
    more.setdefault("ports", old.ports)
    return Outrider(old.upstream, settings, args=args, ready=None, **more)


def wait_for(new: Outrider) -> Outrider:
    """Until the new one has taken over."""
    ended = lambda: new.process.poll() is not None  # noqa: E731
    eventually(lambda: new.said(TAKEN) or ended(), "the takeover", 60)
    assert not ended(), new.report()
    return new


def succeed(start: Callable[..., Outrider], old: Outrider, **more: Any) -> Outrider:
    """The next generation, once it has taken over, ended when the test is over."""
    more.setdefault("settings", old.settings)
    args = ["--takeover", *more.pop("args", ())]
    more.setdefault("ports", old.ports)
    return wait_for(start(old.upstream, args=args, ready=None, **more))


def ended(old: Outrider) -> None:
    """The old one has ended well: all that it had in flight was finished."""
    assert old.process.wait(40) == 0, old.report()


class Watch:
    """What a scraper and a prober saw of an Outrider, whichever generation answered."""

    def __init__(self) -> None:
        self.scrapes = 0
        self.faults: list[str] = []
        self.last: dict[str, float] = {}

    def look(self, proxy: Outrider) -> None:
        for path in ("/healthz", "/readyz"):
            status = proxy.probe(path)
            if status != 200:
                self.faults.append(f"{path}: {status}")
        try:
            scrape = Metrics(get(proxy.admin, "/metrics").body.decode())
        except OSError as error:
            self.faults.append(f"/metrics: {error!r}")
            return
        self.scrapes += 1
        for name, value in counters(scrape).items():
            if value < self.last.get(name, 0.0):
                self.faults.append(f"{name} went back from {self.last[name]} to {value}")
            self.last[name] = value


OWN = (
    "outrider_decode", "outrider_sink", "process_", "outrider_column", "python_",
    "outrider_drift_unseen", "outrider_images", "outrider_quality", "outrider_findings",
    "outrider_prediction", "outrider_business", "outrider_redactions", "gen_ai_",
    "outrider_stream_truncated", "outrider_load_rows", "outrider_alert",
    "outrider_model_process_", "system_", "container_", "hw_",
)  # fmt: skip
"""Counters of the observer process itself, which begin anew with each."""


def counters(scrape: Metrics) -> dict[str, float]:
    """Every sample that may never go back, by its name and labels."""
    return {
        f"{sample.name} {sorted(sample.labels.items())}": sample.value
        for family in scrape.families.values()
        for sample in family.samples
        if family.type in ("counter", "histogram")
        and not sample.name.startswith(OWN)
        and sample.name.endswith(("_total", "_count", "_bucket"))
    }


@contextlib.contextmanager
def watching(proxy: Outrider) -> Iterator[Watch]:
    """Asks both probes and /metrics of these ports all the time."""
    watch, stop = Watch(), threading.Event()

    def loop() -> None:
        while not stop.wait(0.05):
            watch.look(proxy)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def footprint(proxy: Outrider) -> dict[str, Any]:
    """Descriptors of each process, and the bytes of the ledger."""
    found: dict[str, Any] = {}
    for role, pids in proxy.pids().items():
        fds = [list(Path(f"/proc/{pid}/fd").iterdir()) for pid in pids]
        found[role] = sorted(map(len, fds))
    [supervisor] = proxy.pids()["supervisor"]
    for fd in Path(f"/proc/{supervisor}/fd").iterdir():
        if "outrider-ledger" in str(fd.readlink()):
            found["ledger"] = fd.stat().st_size
    return found
