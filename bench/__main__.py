"""`python -m bench [question …]`: measure, and write `bench/results/`."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from bench import (
    bodies,
    evaluation,
    hop,
    idle,
    latency,
    memory,
    processes,
    rows,
    server,
    sse,
    start,
    tools,
    workers,
)
from bench.processes import BenchError
from bench.rig import Rig, rig
from bench.settings import Custom, Settings

QUESTIONS: dict[str, Callable[[Rig], None]] = {
    "hop": hop.hop,
    "observed": hop.observed,
    "ids": hop.ids,
    "server": server.server,
    "workers": workers.workers,
    "latency": latency.latency,
    "sse": sse.sse,
    "idle": idle.idle,
    "memory": memory.memory,
    "start": start.start,
    "bodies": bodies.bodies,
    "rows": rows.rows,
    "evaluation": evaluation.evaluation,
}


def _settings(arguments: argparse.Namespace, typed: list[str]) -> Settings:
    return Settings(
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        tries=arguments.tries,
        connections=arguments.connections,
        requests=arguments.requests,
        idle=arguments.idle,
        body=int(arguments.body * 1e6),
        streams=arguments.streams,
        starts=arguments.starts,
        proxy_core=arguments.cores[0],
        other_core=arguments.cores[1],
        model_port=arguments.model_port,
        only=tuple(arguments.only.split(",")) if arguments.only else (),
        custom=tuple(arguments.contestant),
        command=" ".join(["python -m bench", *typed]),
    )


def _cores(text: str) -> tuple[int, int]:
    first, second = map(int, text.split(","))
    return first, second


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("questions", nargs="*", help=f"of {', '.join(QUESTIONS)}; default: all")
    add("--rounds", type=int, default=default.rounds)
    add("--seconds", type=float, default=default.seconds, help="of load in a round")
    add("--tries", type=int, default=default.tries, help="loads until one is quiet")
    add("--connections", type=int, default=default.connections)
    add("--requests", type=int, default=default.requests, help="before memory is read again")
    add("--idle", type=float, default=default.idle, help="seconds of idling and of low rates")
    add("--body", type=float, default=default.body / 1e6, help="MB of the large body")
    add("--streams", type=int, default=default.streams, help="event streams at once")
    add("--cores", type=_cores, default=(0, 1), help="of the contestant, of all else (0,1)")
    add("--starts", type=int, default=default.starts)
    add("--only", help="contestants by name, comma-separated")
    add("--model-port", type=int, default=0, help="of the upstream; default: a free one")
    add(
        "--contestant",
        type=Custom.parse,
        action="append",
        default=[],
        metavar="NAME[@PORT]=COMMAND",
        help="one of your own; {port} and {model} in COMMAND are replaced",
    )
    return parser


def _interrupted(number: int, _: object) -> NoReturn:
    raise KeyboardInterrupt(number)


def main(typed: list[str]) -> int:
    """Run the questions asked. Exit status 0, 2 if something is missing, 130 if interrupted."""
    parser = _parser()
    arguments = parser.parse_args(typed)
    unknown = [name for name in arguments.questions if name not in QUESTIONS]
    if unknown:
        parser.error(f"no question {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    signal.signal(signal.SIGTERM, _interrupted)
    settings = _settings(arguments, typed)
    try:
        tools.check()
        processes.pin(settings.other_core)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with rig(settings) as surroundings:
            for name in arguments.questions or QUESTIONS:
                QUESTIONS[name](surroundings)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
