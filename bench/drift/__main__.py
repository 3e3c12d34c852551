"""`python -m bench.drift [part …]`: how often it cries wolf, how soon it finds, what it costs.

Parts: peers, replay, false-alarms, wandering, delay, cost, and targets, of what the others found.
Results are bench/results/drift-PART.{md,json,svg}; bench/.drift has what is found of a run under
way.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from bench.drift import checked, cost, delay, false_alarms, replay, targets, wandering
from bench.drift.settings import Settings
from bench.processes import BenchError

AGAIN = ("--resume", "--found")
"""How a run goes on changes nothing of what it finds."""
PARTS: dict[str, Callable[[Settings], None]] = {
    "peers": checked.run,
    "false-alarms": false_alarms.run,
    "wandering": wandering.run,
    "delay": delay.run,
    "cost": cost.run,
    "replay": replay.run,
    "targets": targets.run,
}


def main(typed: list[str]) -> int:
    """Exit status 0, or 2 for a part that does not exist and for rules unlike their packages."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--sequences", type=int, default=60, help="references, each with a month")
    parser.add_argument("--repetitions", type=int, default=30, help="of each change")
    parser.add_argument("--peer-windows", type=int, default=200, help="of each rule")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        help="scenarios that have this in their names; "
        "may be there more than once. Writes no results",
    )
    parser.add_argument("--resume", action="store_true", help="what was found before stands")
    parser.add_argument("--found", action="store_true", help="and nothing else is looked for")
    arguments = parser.parse_args(typed)
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    settings = Settings(
        arguments.sequences,
        arguments.repetitions,
        arguments.peer_windows,
        arguments.processes,
        tuple(arguments.only),
        " ".join(["python -m bench.drift", *(each for each in typed if each not in AGAIN)]),
        arguments.resume,
        arguments.found,
    )
    try:
        for part in arguments.parts or PARTS:
            PARTS[part](settings)
    except BenchError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
