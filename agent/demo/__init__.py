"""`outrider demo`: a real model, the real sidecar before it, and traffic that drifts half-way.

Rule: nothing here is faked. The model server knows nothing of Outrider, the sidecar is started
by the same command as anybody's, and all that is shown was read from its ports. Only `main` is
for the outside; scikit-learn and rich (the extra `demo`) are imported when it runs, not before.

    script      the one place that says what happens in which order
    timeline    the acts by the clock; `follow` moves from one to the next
    stage       what must run before the first row: model server, reference, sidecar
    processes   ports, child processes and their logs
    rows        the data set's rows, and the same rows after the shift
    traffic     the client
    receiver    an OpenTelemetry collector of sixty lines, so that there are spans to see
    watch       asks the sidecar: `/metrics`, `/api/v1/drift` and its log
    readings    what `/metrics` said, as numbers; `histogram` has the percentiles
    alarms      which columns were named, when, and whether that was right
    view        what a screen has to show; `screen` draws it with rich, `plain` prints it
    summary     the last words
"""

from __future__ import annotations

import argparse
import importlib.util
import sys

SECONDS = 60.0
RATE = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `outrider demo`."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help="length of the traffic, the shift being a little before its middle (default 60)",
    )
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second (default 100)")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="print lines, draw nothing; so anyway where the output is no terminal",
    )


def main(args: argparse.Namespace) -> int:
    """Run the demo.

    Returns 0 if the alarm named the shifted columns after the shift and nothing before it, 1 if
    not or if a process failed, 2 for an option that cannot work or a missing package, 130 after
    Ctrl-C.
    """
    missing = [name for name in ("sklearn", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"outrider demo needs {' and '.join(missing)}: pip install 'outrider[demo]'",
            file=sys.stderr,
        )
        return 2
    from agent.demo import script
    from agent.demo.timeline import Timeline

    try:
        timeline = Timeline(args.seconds, args.rate)
    except ValueError as error:
        print(f"outrider demo: {error}", file=sys.stderr)
        return 2
    return script.main(timeline, plain=args.plain or not sys.stdout.isatty())
