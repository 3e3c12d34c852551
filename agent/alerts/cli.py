"""`outrider alerts test`: a line a destination, and by the exit status whether all took it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time

from agent import __version__
from agent.alerts.build import kind_of, make, source_of
from agent.alerts.messages import Source
from agent.alerts.telling import Item, Kind
from agent.settings.alerting import Destination as Settings
from agent.settings.loading import load
from agent.ship.outcome import Outcome, Verdict, retry

NAME = "OutriderTest"


def test(args: argparse.Namespace) -> int:
    """`alerts test [--config FILE] [--to NAME]`."""
    config = load(args.config, os.environ)
    chosen = {name: one for name, one in config.alerts.to.items() if args.to in (None, name)}
    if not chosen:
        known = ", ".join(config.alerts.to) or "none: the settings have no alerts.to"
        print(f"outrider alerts test: nothing to send to; known are: {known}", file=sys.stderr)
        return 2
    service = os.environ.get("OTEL_SERVICE_NAME") or "outrider"
    source = source_of(config.alerts, service, f"{socket.gethostname()}:{config.admin.listen.port}")
    outcomes = asyncio.run(_all(chosen, source))
    for name, outcome in outcomes.items():
        print(f"{name} ({kind_of(chosen[name])}): {_told(outcome)}")
    return 0 if all(outcome.verdict is Verdict.OK for outcome in outcomes.values()) else 1


async def _all(chosen: dict[str, Settings], source: Source) -> dict[str, Outcome]:
    outcomes = await asyncio.gather(*(_push(one, source) for one in chosen.values()))
    return dict(zip(chosen, outcomes, strict=True))


async def _push(settings: Settings, source: Source) -> Outcome:
    destination = make(settings, source, __version__)
    try:
        async with asyncio.timeout(settings.timeout):
            return await destination.push([item(time.time())], time.time())
    except TimeoutError:
        return retry(f"no answer in {settings.timeout}")
    finally:
        await destination.close()


def item(now: float) -> Item:
    """What is sent; in Alertmanager it ends by itself."""
    return Item(
        Kind.FIRING,
        (NAME,),
        1,
        NAME,
        "warning",
        (),
        "A test of this destination",
        "Somebody has called `outrider alerts test`; there is nothing to do.",
        now,
        None,
    )


def _told(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.OK:
        return f"taken, but {outcome.reason}" if outcome.reason else "taken"
    how = "refused" if outcome.verdict is Verdict.REJECT else "did not get through"
    return f"{how}: {outcome.reason}"
