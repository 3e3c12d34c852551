"""Commands tell a person what went wrong instead of showing a traceback.

Rule: one line on standard error that says what to do, and status 2.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable

from agent.drift.reference.profile import ProfileError
from agent.drift.rows.table import TableError

Command = Callable[[argparse.Namespace], int]


def told(program: str) -> Callable[[Command], Command]:
    """Tells a person what went wrong instead of showing a traceback; status 2."""

    def wrap(command: Command) -> Command:
        @functools.wraps(command)
        def run(args: argparse.Namespace) -> int:
            try:
                return command(args)
            except (TableError, ProfileError) as problem:
                print(f"{program}: {problem}", file=sys.stderr)
            except BrokenPipeError:
                raise  # whoever reads has had enough
            except OSError as problem:
                of = problem.filename or getattr(args, "output", None) or "standard output"
                print(f"{program}: {of}: {problem.strerror}", file=sys.stderr)
            return 2

        return run

    return wrap
