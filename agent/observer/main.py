"""The observer process from its fork to its end."""
from __future__ import annotations
import asyncio, os, signal, socket
from typing import Any
import uvloop
from agent.ledger import OBSERVER, WORKER, Ledger
from agent.observer.receive import Receiver

def run(config: Any, telemetry: Any, ledger: Ledger, bus: socket.socket, admin: socket.socket) -> None:
    uvloop.run(_run(config, ledger, bus))

async def _run(config: Any, ledger: Ledger, bus: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    ledger.observer[OBSERVER["pid"]] = os.getpid()
    known = lambda pid: any(ledger.worker(n).counters[WORKER["pid"]] == pid for n in range(ledger.workers))
    await loop.create_unix_server(lambda: Receiver(ledger, lambda batch: 0, known), sock=bus)
    while not stop.is_set():
        ledger.observer[OBSERVER["heartbeat"]] += 1
        try:
            await asyncio.wait_for(stop.wait(), 1)
        except TimeoutError: pass
