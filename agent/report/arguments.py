"""The arguments of `outrider report`.

Rule: imports nothing of ours but what arguments are made of, as every command reads it.
"""

from __future__ import annotations

import argparse

from agent.drift.profiles.arguments import names

Commands = argparse._SubParsersAction  # argparse has no public name for it

FORMATS = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".xml": "junit"}
"""By the suffix of -o."""
FAIL_ON = ("drift", "missing", "findings", "insufficient", "never")

_EPILOG = """\
Without files: what a running sidecar says, at --admin. With two files: how the second differs from
the first, each a profile (.json) or rows (.csv, .jsonl, .parquet); the questions and the evidence
are those that traffic is judged by.

exit status: 0; 1 if something of --fail-on is so; 2 if it cannot be told (wrong usage, a file that
cannot be read, a sidecar that does not answer).

  --fail-on drift         a column drifts that nobody acknowledged
  --fail-on missing       more is missing or invalid than in the reference, or a column is gone
  --fail-on findings      a silent failure is there now (sidecar only)
  --fail-on insufficient  a model or a column cannot be judged: too few rows, no reference yet

examples:
  outrider report -o drift.html
  outrider report --admin http://model:8901 --fail-on drift --fail-on findings -o report.xml
  outrider report reference.json today.json --format markdown
  outrider report train.csv march.csv --outputs score -o march.html --fail-on drift
"""


def add_report(commands: Commands[argparse.ArgumentParser]) -> None:
    """`outrider report`."""
    text = "what drifted, how sure, since when: a file to hand round, or a gate in CI"
    report = commands.add_parser(
        "report",
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = report.add_argument
    add("files", metavar="FILE", nargs="*", help="none, or REFERENCE and CURRENT")
    add("--admin", metavar="URL", help="the sidecar's admin port (default http://127.0.0.1:8901)")
    add("--token", metavar="TOKEN", help="admin.token (default: $OUTRIDER_ADMIN__TOKEN)")
    add("-o", "--output", metavar="FILE", help="file to write (default: standard output)")
    formats = tuple(dict.fromkeys(FORMATS.values()))
    add("--format", choices=formats, help="default: by the name of -o, else markdown")
    add("--fail-on", choices=FAIL_ON, action="append", default=[],
        help="exit status 1 if it is so; may be repeated (default never)")  # fmt: skip
    add("--columns", metavar="A,B,…", type=names, help="of rows: inputs (default: all)")
    add("--outputs", metavar="A,B,…", type=names, default=(), help="of rows: the predictions")
    add("--timestamp", metavar="COLUMN", default="", help="of rows: their times; no feature")
    add("--data-format", choices=("csv", "jsonl", "parquet"),
        help="of rows (default: by the file's name)")  # fmt: skip
    add("--level", metavar="P", type=float, default=0.001,
        help="two files: chance to name a column that did not change (default 0.001)")  # fmt: skip
    add("--min-effect", metavar="SD", type=float, default=0.05,
        help="two files: less is no difference; in standard deviations (default 0.05)")  # fmt: skip
    report.set_defaults(command="report")
