"""`python -m bench.host`: what looking at the host costs, of one core, and of memory.

So many idle processes are started that the machine has `--processes`; the model server is eight.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

TRIES = 15
WORKERS = 7
INTERVAL = 10.0
"""Seconds between two samples, as `host.sample` has it."""


@contextmanager
def sleeping(count: int, workers: int = 0) -> Iterator[None]:
    """Children that do nothing, each with so many of its own, all in one group of processes."""
    group = 0
    for _ in range(count):
        pid = os.fork()
        if not pid:
            os.setpgid(0, group)
            for _ in range(workers):
                if not os.fork():
                    break
            signal.pause()
            os._exit(0)
        group = group or pid
        os.setpgid(pid, group)
    try:
        yield
    finally:
        if group:
            os.killpg(group, signal.SIGKILL)
        for _ in range(count):
            os.wait()


def milliseconds(what: Callable[[], object]) -> float:
    """CPU time of a call: the least of TRIES, after one."""
    what()
    found = []
    for _ in range(TRIES):
        before = time.process_time()
        what()
        found.append(time.process_time() - before)
    return min(found) * 1e3


def resident() -> int:
    """KiB."""
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss"))


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.host", description=__doc__)
    parser.add_argument("--processes", type=int, default=300)
    wanted = parser.parse_args().processes
    before = resident()
    from agent.settings.units import Upstream
    from agent.signals.host import upstream
    from agent.signals.host.procfs import pids
    from agent.signals.host.sampler import Host

    imported = resident()
    with sleeping(max(0, wanted - len(pids()) - WORKERS - 1)), ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as server:
            target = Upstream(f"http://127.0.0.1:{server.getsockname()[1]}")
            stack.enter_context(sleeping(1, WORKERS))
        while not (found := upstream.find(target, tuple)) or len(found.members) <= WORKERS:
            time.sleep(0.01)
        host = Host(
            target,
            every=INTERVAL,
            ours=tuple,
            paths=("/",),
            model_path=None,
            log=logging.getLogger("bench"),
            clock=lambda: 0.0,  # so that nothing is looked for again while samples are timed
        )
        count = len(pids())
        sample = milliseconds(host.look)
        model = host.samples()[1]
        assert model is not None
        assert model.model is not None
        search = milliseconds(lambda: upstream.find(target, tuple))
        members = model.model.processes
    share = sample / 1e3 / INTERVAL + search / 1e3 / 60
    print(f"{count} processes, {members} of them the model server's")
    print(f"a sample, each {INTERVAL:g} s: {sample:.2f} ms; a search, each minute: {search:.1f} ms")
    print(f"of one core: {share:.4%}")
    print(f"memory: {imported - before} KiB imported, {resident() - imported} KiB after samples")


if __name__ == "__main__":
    main()
