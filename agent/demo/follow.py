"""Moves the run from act to act, and shows at each step what the sidecar says.

Rule: the shift is made here and nowhere told to the sidecar.
"""

from __future__ import annotations

import asyncio

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


async def follow(
    timeline: Timeline,
    stage: Stage,
    screen: Screen,
    traffic: Traffic,
    alarms: Alarms,
    watch: Watch,
    sending: asyncio.Task[None],
) -> float:
    """Until the last answer is in; returns when the shift was made, in seconds of the run.

    Raises ChildError if the sidecar ends or falls silent.
    """
    clock = asyncio.get_running_loop().time
    start = heard = clock()
    shifted_at: float | None = None
    while True:
        last = sending.done()
        seconds = clock() - start
        if timeline.at(seconds).shifted and shifted_at is None:
            traffic.shift, shifted_at = True, seconds
            screen.note(f"After {seconds:.1f} s {SHIFT_STORY}:\n  {SHIFT_SAID}")
        if snapshot := await _read(stage, watch, clock(), heard):
            heard = snapshot.at
            for alarm in alarms.see(seconds, shifted_at, snapshot.columns):
                screen.alarm(alarm_line(alarm))
            screen.show(_view(timeline, stage, alarms, watch, snapshot, seconds))
        if last and snapshot:
            sending.result()
            return timeline.seconds if shifted_at is None else shifted_at
        await asyncio.wait([sending], timeout=POLL)


async def _read(stage: Stage, watch: Watch, now: float, heard: float) -> Snapshot | None:
    """One reading, or None where the admin port does not answer just now."""
    stage.sidecar.check()
    try:
        return await watch.poll(now)
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        stage.sidecar.check()
        if now - heard > SILENCE:
            why = f"has not said anything of use for {SILENCE:.0f} s: {error!r}"
            raise ChildError("sidecar", why, stage.sidecar.log) from error
        await asyncio.sleep(POLL)
        return None


def _view(
    timeline: Timeline,
    stage: Stage,
    alarms: Alarms,
    watch: Watch,
    snapshot: Snapshot,
    seconds: float,
) -> View:
    return View(
        seconds=seconds,
        act=timeline.at(seconds),
        signals=watch.signals(),
        columns=snapshot.columns,
        expected=alarms.expected,
        trace=stage.receiver.last if stage.receiver else None,
        record=last_record(stage.sidecar.log),
        addresses=Addresses(
            metrics=stage.url("admin", "/metrics"),
            drift=stage.url("admin", "/api/v1/drift"),
            log=str(stage.sidecar.log),
        ),
    )
