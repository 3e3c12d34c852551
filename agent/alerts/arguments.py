"""The arguments of `outrider alerts`.

Rule: imports nothing of ours, as every command reads it.
"""

from __future__ import annotations

import argparse

Commands = argparse._SubParsersAction  # argparse has no public name for it

_EPILOG = """\
exit status: 0 if each took it, 1 if one did not, 2 on wrong settings or if there is none.

examples:
  outrider alerts test --config outrider.yaml
  outrider alerts test --config outrider.yaml --to ops
"""


def add_alerts(commands: Commands[argparse.ArgumentParser]) -> None:
    """`outrider alerts`."""
    alerts = commands.add_parser("alerts", help="alerts that the sidecar sends by itself")
    actions = alerts.add_subparsers(metavar="ACTION", required=True)
    text = "sends one test message to each destination, and says what became of it"
    test = actions.add_parser(
        "test",
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("--config", metavar="FILE", help="default: $OUTRIDER_CONFIG, if set")
    test.add_argument("--to", metavar="NAME", help="this destination alone")
    test.set_defaults(command="alerts_test")
