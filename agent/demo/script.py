"""What happens in which order.

Rule: the composition is here and reads top to bottom; each step is another file's.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

from agent.demo import rows
from agent.demo.alarms import Alarms
from agent.demo.follow import Run, follow
from agent.demo.model_server import MODEL
from agent.demo.processes import ChildError
from agent.demo.stage import Stage
from agent.demo.summary import Totals, summary
from agent.demo.timeline import Timeline
from agent.demo.traffic import Traffic
from agent.demo.view import Screen
from agent.demo.watch import Watch

SEED = 1
"""Of the draw of rows: every run of the demo sends the same ones."""
INTERRUPTED = 130


def main(timeline: Timeline, plain: bool) -> int:
    """Run the demo from start to end; see `agent.demo.main` for what it returns."""
    screen = make_screen(plain)
    try:
        return asyncio.run(_until_signal(timeline, screen))
    except asyncio.CancelledError:
        print("stopped; all that was started has ended", file=sys.stderr)
        return INTERRUPTED
    except ChildError as error:
        print(f"outrider demo: {error}; the end of {error.log}:", file=sys.stderr)
        print(*(f"  {line}" for line in error.tail), sep="\n", file=sys.stderr)
        return 1


def make_screen(plain: bool) -> Screen:
    """The screen that suits the output."""
    if plain:
        from agent.demo.plain import PlainScreen

        return PlainScreen()
    from agent.demo.screen import RichScreen

    return RichScreen()


async def _until_signal(timeline: Timeline, screen: Screen) -> int:
    """The whole run, cancelled by the signals that end a program."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(screen.close)
        folder = Path(tempfile.mkdtemp(prefix="outrider-demo-"))
        stage = await Stage.build(stack, folder, screen)
        return await play(timeline, stage, screen)


async def play(timeline: Timeline, stage: Stage, screen: Screen) -> int:
    """Send the traffic, watch the sidecar, end it, and say how it went."""
    url = stage.url("listen", f"/v1/models/{MODEL}:predict")
    traffic = Traffic(stage.session, url, rows.draw(rows.load(), SEED))
    alarms = Alarms(rows.SHIFT)
    watch = Watch(stage.session, stage.url("admin"))
    sending = asyncio.create_task(traffic.run(timeline.rate, timeline.seconds))
    try:
        shifted_at = await follow(Run(timeline, stage, screen, traffic, alarms, watch), sending)
    finally:
        sending.cancel()
    screen.note("ending the sidecar, which sends what it still holds")
    await stage.sidecar.stop()
    screen.close()
    totals = Totals(
        sent=traffic.sent,
        answered=traffic.answered,
        problem=traffic.problem,
        counted=watch.signals().requests,
        spans=stage.receiver.spans if stage.receiver else None,
    )
    print(*summary(alarms, totals, shifted_at, stage.folder), sep="\n")
    return 0 if alarms.passed else 1
