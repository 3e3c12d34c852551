"""Moves the run from act to act, and shows at each step what the sidecar says.

Rule: the shift is made here and nowhere told to the sidecar.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp

from agent.demo.alarms import Alarms
from agent.demo.processes import ChildError
from agent.demo.readings import Snapshot
from agent.demo.rows import SHIFT_SAID, SHIFT_STORY
from agent.demo.stage import Stage
from agent.demo.timeline import Timeline
from agent.demo.traffic import Traffic
from agent.demo.view import Addresses, Screen, View, alarm_line
from agent.demo.watch import Watch, last_record

POLL = 0.5
"""Seconds between two readings of the sidecar."""
SILENCE = 10.0
"""Seconds without an answer on the admin port after which the demo gives up."""
HOPELESS = 100
"""Failures, and not one success, after which it does so too."""


@dataclass(frozen=True, slots=True)
class Run:
    """Who takes part."""

    timeline: Timeline
    stage: Stage
    screen: Screen
    traffic: Traffic
    alarms: Alarms
    watch: Watch


async def follow(run: Run, sending: asyncio.Task[None]) -> float:
    """Until the last answer is in; returns when the shift was made, in seconds of the run.

    Raises ChildError if the sidecar ends, falls silent or lets nothing through.
    """
    clock = asyncio.get_running_loop().time
    start = heard = clock()
    shifted_at: float | None = None
    while True:
        last = sending.done()
        seconds = clock() - start
        if shifted_at is None and run.timeline.at(seconds).shifted:
            run.traffic.shift, shifted_at = True, seconds
            run.screen.note(f"After {seconds:.1f} s {SHIFT_STORY}:\n  {SHIFT_SAID}")
        if snapshot := await _read(run, clock(), heard):
            heard = snapshot.at
            for alarm in run.alarms.see(seconds, shifted_at, snapshot.columns):
                run.screen.alarm(alarm_line(alarm))
            run.screen.show(_view(run, snapshot, seconds))
        if last and snapshot:
            sending.result()
            return run.timeline.seconds if shifted_at is None else shifted_at
        await asyncio.wait([sending], timeout=POLL)


async def _read(run: Run, now: float, heard: float) -> Snapshot | None:
    """One reading, or None where the admin port does not answer just now."""
    sidecar, traffic = run.stage.sidecar, run.traffic
    sidecar.check()
    if traffic.failed >= HOPELESS and not traffic.answered:
        why = f"let no request through; the last one: {traffic.problem}"
        raise ChildError("sidecar", why, sidecar.log)
    try:
        return await run.watch.poll(now)
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        sidecar.check()
        if now - heard > SILENCE:
            why = f"has not said anything of use for {SILENCE:.0f} s: {error!r}"
            raise ChildError("sidecar", why, sidecar.log) from error
        await asyncio.sleep(POLL)
        return None


def _view(run: Run, snapshot: Snapshot, seconds: float) -> View:
    stage = run.stage
    return View(
        seconds=seconds,
        act=run.timeline.at(seconds),
        signals=run.watch.signals(),
        columns=snapshot.columns,
        expected=run.alarms.expected,
        trace=stage.receiver.last if stage.receiver else None,
        record=last_record(stage.sidecar.log),
        addresses=Addresses(
            page=stage.url("admin", "/"),
            metrics=stage.url("admin", "/metrics"),
            log=str(stage.sidecar.log),
        ),
    )
