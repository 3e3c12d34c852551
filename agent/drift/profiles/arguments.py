"""The arguments of `outrider profile show` and `diff`.

Rule: imports nothing of ours, as every command reads it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

Actions = argparse._SubParsersAction  # argparse has no public name for it

SORTS = ("name", "correlation", "missing", "shift")

_SHOW = """\
After what the profile knows come the lasting changes that traffic of such windows would show: of a
numeric column a shift of its location (in standard deviations, and in its own units), of another
one a change of its most frequent category's share, of each more missing rows. A change of that size
is found as likely as not in the first window, within a day, within 30 days; 1.5 times as much
almost surely. Less than what 30 days show is within the reference's own error, or less than
--min-effect.

examples:
  outrider profile show reference.json
  outrider profile show reference.json --window 200 --interval 1m --false-alarms "1 per 90d"
  outrider profile show wide.json --columns 'amount_*,age' --sort correlation
"""

_DIFF = """\
Columns are compared as two samples, by the questions that traffic is asked; a difference counts if
chance would show as much in one comparison of --level, all columns together, and if it is surely
more than --min-effect. Profiles of other bins are compared on the edges or categories they share,
and by their means.

exit status: 0 if they are alike, 1 if columns differ or are in one only, 2 if they cannot be
compared.

examples:
  outrider profile diff train.json live.json
  outrider profile diff v1.json v2.json --all --json
  outrider profile build march.csv --like reference.json -o march.json   same bins: all is compared
"""


def names(text: str) -> tuple[str, ...]:
    """Names with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def add_show(actions: Actions[argparse.ArgumentParser]) -> None:
    """`outrider profile show`."""
    add = _action(actions, "show", "what a profile knows, and which changes it can show", _SHOW)
    add("profile", metavar="FILE")
    add("--columns", metavar="A,B,…", type=names, help="these; a pattern such as 'addr_*' will do")
    add("--sort", choices=SORTS, default="name", help="what comes first (default name)")
    add("--window", metavar="ROWS", type=int, help="rows of a window of traffic (default 1000)")
    add("--interval", metavar="TIME", help="how long such a window takes (default 5m)")
    add("--false-alarms", metavar="RATE", help='allowed (default "1 per 30d")')
    add("--min-effect", metavar="SD", type=float, help="less never alarms (default 0.05)")
    add("--replicas", metavar="N", type=int, help="sidecars that share the budget (default 1)")
    add("--config", metavar="FILE", help="take the drift settings from here")
    add("--json", action="store_true", help="for programs")


def add_diff(actions: Actions[argparse.ArgumentParser]) -> None:
    """`outrider profile diff`."""
    add = _action(actions, "diff", "what differs between two profiles", _DIFF)
    add("profile", metavar="REFERENCE")
    add("other", metavar="OTHER")
    add("--columns", metavar="A,B,…", type=names, help="these; a pattern such as 'addr_*' will do")
    add("--all", action="store_true", help="show columns that are alike, too")
    add("--level", metavar="P", type=float, default=0.001,
        help="chance of a difference that is none, over all columns (default 0.001)")  # fmt: skip
    add("--min-effect", metavar="SD", type=float, default=0.05,
        help="less is no difference; in standard deviations (default 0.05)")  # fmt: skip
    add("--json", action="store_true", help="for programs")


def _action(
    actions: Actions[argparse.ArgumentParser], name: str, text: str, epilog: str
) -> Callable[..., argparse.Action]:
    parser = actions.add_parser(
        name, help=text, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return parser.add_argument
