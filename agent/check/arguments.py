"""The arguments of `outrider check`, and its exit codes.

Rule: imports nothing of ours, as every command reads it.
"""

from __future__ import annotations

import argparse

Commands = argparse._SubParsersAction  # argparse has no public name for it

CODES = {"health": 10, "ready": 11, "metrics": 12, "drift": 13, "logs": 14}
"""Exit status by what failed; of several that which comes first here."""

_EPILOG = """\
  health   the worker answers on --health
  ready    the model server takes connections, and nothing drains
  metrics  /metrics on --admin is a Prometheus exposition with Outrider's families
  drift    no column drifts that nobody acknowledged, and no reference is refused
  logs     records of requests come to their end, and no sink is away

exit status: 0; 10 health, 11 ready, 12 metrics, 13 drift, 14 logs: the first of them that failed;
2 on wrong usage.

examples:
  outrider check
  outrider check --wait 60s --skip drift            after a deployment, before traffic
  outrider check --admin http://model:8901 --health http://model:8902 --need-verdicts --json
"""


def add_check(commands: Commands[argparse.ArgumentParser]) -> None:
    """`outrider check`."""
    text = "is the sidecar well, is the model behind it, does it drift: one gate for CI/CD"
    check = commands.add_parser(
        "check",
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = check.add_argument
    add("--admin", metavar="URL", help="its admin port (default http://127.0.0.1:8901)")
    add("--health", metavar="URL", help="its health port (default http://127.0.0.1:8902)")
    add("--token", metavar="TOKEN", help="admin.token (default: $OUTRIDER_ADMIN__TOKEN)")
    add("--wait", metavar="TIME", default="0s",
        help="try again for so long until all is well, such as 30s (default: once)")  # fmt: skip
    add("--skip", choices=tuple(CODES), action="append", default=[], help="may be repeated")
    add("--need-verdicts", action="store_true",
        help="drift fails, too, while something cannot be judged yet")  # fmt: skip
    add("--json", action="store_true", help="for programs")
    check.set_defaults(command="check")
