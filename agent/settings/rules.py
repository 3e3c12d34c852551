"""Rules that join several settings."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path

from agent.config import Config
from agent.settings import alert_rules, route_rules
from agent.settings.units import Address, Duration

MAX_RECORD = 32 << 20
"""Bytes of both copies of an exchange; half of what one frame to the observer may have."""
LEAST_LOGGED, MOST_LOGGED = 64, 16 << 10
"""Bytes of an input or output in a log record."""
LEAST_KEY = 16
"""Bytes."""
MOST_RULES = 64
WEEK = 7 * 86400.0
LONGEST_PERIOD = 60 * 86400.0
"""Seconds; of a longer one the slots would be too long to tell hours."""
SHORTEST_SAMPLE, LONGEST_SAMPLE = 1.0, 3600.0
"""Seconds between two looks at the host."""
LONGEST_QUESTION = 30.0
"""Seconds; rows wait for the answer."""
LEAST_PAUSE, LONGEST_PAUSE = 1.0, 3600.0
"""Seconds between two readings of the model server's metrics."""
Broken = tuple[str, str, str]
"""Path of the setting, what stands there, what to do."""


def broken(config: Config) -> Iterator[Broken]:
    """Every rule that `config` breaks."""
    yield from _certificates(config)
    yield from _sockets(config)
    yield from _loop(config)
    yield from _waits(config)
    yield from _buckets(config)
    yield from _templates(config)
    yield from _capture(config)
    yield from _redaction(config)
    yield from _learning(config)
    yield from _host(config)
    yield from alert_rules.broken(config.alerts)
    yield from _scrape(config)
    if not 0 < config.metadata.timeout <= LONGEST_QUESTION:
        yield "metadata.timeout", repr(str(config.metadata.timeout)), "more than 0s, 30s at most"


def _host(config: Config) -> Iterator[Broken]:
    every = config.host.sample
    if not math.isinf(every) and not SHORTEST_SAMPLE <= every <= LONGEST_SAMPLE:
        yield "host.sample", repr(str(every)), "1s at least and 1h at most, or off"


def _scrape(config: Config) -> Iterator[Broken]:
    every, timeout = config.scrape.every, config.scrape.timeout
    if not LEAST_PAUSE <= every <= LONGEST_PAUSE:
        yield "scrape.every", repr(str(every)), "1s at least, 1h at most"
    elif not 0 < timeout <= every:
        remedy = f"more than 0s, and not longer than scrape.every, {every}"
        yield "scrape.timeout", repr(str(timeout)), remedy


def _learning(config: Config) -> Iterator[Broken]:
    reference = config.drift.reference
    if isinstance(reference, str):
        return
    period = reference.learn.period
    if not math.isinf(period) and not WEEK <= period <= LONGEST_PERIOD:
        remedy = "7d at least, as hours and days are known of no less, and 60d at most, or off"
        yield "drift.reference.learn.period", repr(str(period)), remedy


def _capture(config: Config) -> Iterator[Broken]:
    """What could not take effect: better refused than silently dropped."""
    if 2 * config.capture.max_body_bytes > MAX_RECORD:
        yield "capture.max_body_bytes", str(config.capture.max_body_bytes), "16MiB at most"
    longest = config.capture.payload_log_bytes
    if not LEAST_LOGGED <= longest <= MOST_LOGGED:
        yield "capture.payload_log_bytes", repr(str(longest)), "64 bytes at least, 16KiB at most"
    if not config.capture.payload_log:
        return
    if config.observe != "all":
        yield "observe", config.observe, "capture.payload_log needs bodies: all"
    if not config.logs.stdout and not config.sinks:
        remedy = "there are no log records to carry them: set logs.stdout or a sink"
        yield "capture.payload_log", "true", remedy


def _redaction(config: Config) -> Iterator[Broken]:
    redact = config.redact
    if redact.key_file:
        why = _unreadable(redact.key_file)
        if why:
            yield "redact.key_file", repr(redact.key_file), f"cannot be read: {why}"
        elif Path(redact.key_file).stat().st_size < LEAST_KEY:
            remedy = f"{LEAST_KEY} bytes at least: head -c 32 /dev/urandom > FILE"
            yield "redact.key_file", repr(redact.key_file), remedy
    if len(redact.rules) > MOST_RULES:
        yield "redact.rules", f"{len(redact.rules)} rules", f"{MOST_RULES} at most"
    for n, rule in enumerate(redact.rules):
        kinds = ("path", "column", "header", "pattern", "built_in")
        said = [kind for kind in kinds if getattr(rule, kind) is not None]
        place = f"redact.rules.{n}"
        if len(said) != 1:
            remedy = f"wanted exactly one of {', '.join(kinds)}"
            yield place, " and ".join(said) or "no subject", remedy
        elif rule.do == "keep" and rule.built_in is None:
            yield f"{place}.do", "keep", "only a built_in pattern can be kept; leave the rule out"


def _templates(config: Config) -> Iterator[Broken]:
    for n, route in enumerate(config.routes):
        names = re.findall(r"\{\+?(.*?)\}", route.path)
        if not all(name.isidentifier() for name in names) or len(set(names)) < len(names):
            remedy = "a template names each part once, by a word: /models/{model}/score"
            yield f"routes[{n}].path", repr(route.path), remedy
        yield from route_rules.broken(route, f"routes[{n}]", config)


def _certificates(config: Config) -> Iterator[Broken]:
    for name, tls in (("tls", config.tls), ("upstream_tls", config.upstream_tls)):
        if tls.cert and not tls.key:
            yield f"{name}.cert", repr(tls.cert), f"{name}.key must name the file of its key too"
        if tls.key and not tls.cert:
            yield f"{name}.key", repr(tls.key), f"{name}.cert must name its certificate too"
    if config.tls.client_ca and not config.tls.cert:
        remedy = "client certificates need TLS: set tls.cert and tls.key too"
        yield "tls.client_ca", repr(config.tls.client_ca), remedy
    tls_, up = config.tls, config.upstream_tls
    files = {"tls.cert": tls_.cert, "tls.key": tls_.key, "tls.client_ca": tls_.client_ca}
    files |= {"upstream_tls.ca": up.ca, "upstream_tls.cert": up.cert, "upstream_tls.key": up.key}
    for path, file in files.items():
        if file and (why := _unreadable(file)):
            yield path, repr(file), f"cannot be read: {why}"


def _unreadable(file: str) -> str | None:
    try:
        with open(file, "rb"):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _sockets(config: Config) -> Iterator[Broken]:
    sockets = {
        "listen": config.listen,
        "admin.listen": config.admin.listen,
        "health": config.health,
    }
    for (one, a), (other, b) in itertools.combinations(sockets.items(), 2):
        if a.port and a.port == b.port and _overlap(a, b):
            yield other, repr(str(b)), f"{one} has port {a.port} already: take another"


def _overlap(a: Address, b: Address) -> bool:
    return a.host == b.host or any(host in ("", "0.0.0.0", "::") for host in (a.host, b.host))


def _loop(config: Config) -> Iterator[Broken]:
    upstream, listen = config.upstream, config.listen
    here = upstream.host in (listen.host, "127.0.0.1", "::1", "localhost", "0.0.0.0")
    everywhere = listen.host in ("", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost")
    same_host = upstream.host == listen.host or (here and everywhere)
    if not upstream.socket and upstream.port == listen.port and same_host:
        remedy = f"is Outrider itself (listen: {listen}): name the model server's own port"
        yield "upstream", repr(str(upstream)), remedy


def _waits(config: Config) -> Iterator[Broken]:
    waits = {
        f"timeouts.{name}": getattr(config.timeouts, name)
        for name in config.timeouts.__struct_fields__
    }
    waits["drift.window.seconds"] = config.drift.window.seconds
    waits |= {f"sinks.{name}.timeout": sink.timeout for name, sink in config.sinks.items()}
    for path, wait in waits.items():
        if not wait:
            off = "" if path == "drift.window.seconds" else ", or off"
            yield path, repr(str(wait)), f"must be longer than nothing: {Duration('1s')}, say{off}"


def _buckets(config: Config) -> Iterator[Broken]:
    for name, bounds in config.metrics.buckets.items():
        if not bounds or list(bounds) != sorted(set(bounds)):
            yield f"metrics.buckets.{name}", repr(list(bounds)), "wanted rising upper bounds"
