"""The host's figures in the observer: made of the settings, and shown."""

from __future__ import annotations

import logging
import math
import os
from functools import partial
from typing import Any

from agent.config import Config
from agent.ledger import WORKER, Ledger
from agent.observer.redact import Redactor
from agent.signals.host.sampler import Host
from agent.signals.host.shares import view


def host_of(config: Config, ledger: Ledger, log: logging.Logger) -> Host | None:
    """By the settings, in the observer's process; None where nothing is to be looked at."""
    watched = config.model.path is not None or not math.isinf(config.host.sample)
    if config.observe == "off" or not watched:
        return None
    return Host(
        config.upstream,
        every=float(config.host.sample),
        ours=partial(_ours, ledger),
        paths=("/", *((config.state_dir,) if config.state_dir else ())),
        model_path=config.model.path,
        log=log,
    )


def _ours(ledger: Ledger) -> list[int]:
    """Pids of the supervisor, the observer and the workers."""
    workers = [ledger.worker(n).counters[WORKER["pid"]] for n in range(ledger.workers)]
    return [os.getppid(), os.getpid(), *workers]


def host_view(host: Host | None, redactor: Redactor, now: float) -> dict[str, Any] | None:
    """The last sample for people; `now` in seconds since the epoch."""
    seen = view(host, now) if host else None
    return redactor.page(seen) if seen else None
