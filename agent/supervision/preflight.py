"""What is checked, and raised, before the supervisor starts anything.

Rule: no process and no socket of ours is there yet.
"""

from __future__ import annotations

import resource

from agent.certificates import upstream_tls
from agent.config import Config
from agent.proxy import worker
from agent.scrape.target import target_of

FILES = 1 << 16
"""Descriptors that a process may open, if the hard limit lets it."""
FEWER = 0.95
"""Of the connections wanted; a few less than the default are not worth a line."""


def check_files(config: Config) -> None:
    """Certificates are read once before anything starts, so that a bad one is told at once.

    Raises OSError.
    """
    try:
        worker.client_tls(config)
    except OSError as error:
        raise OSError(f"tls: {config.tls.cert}, {config.tls.key}: {error}") from None
    try:
        upstream_tls(config)
        target_of(config)
    except OSError as error:
        raise OSError(f"upstream_tls: {error}") from None


def raise_file_limit() -> None:
    """A connection is two descriptors; the soft limit is often 1,024 for old programs' sake."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def fewer_connections(wanted: int) -> str:
    """That a worker takes far fewer connections than `limits.connections`, and what to do; or
    nothing."""
    fit = worker.connections_that_fit(wanted)
    if fit >= wanted * FEWER:
        return ""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        f"limits.connections = {wanted}, but with {files} open files at most (ulimit -n, "
        f"LimitNOFILE) a worker takes {fit}: raise that limit, or lower this setting"
    )
