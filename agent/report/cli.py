"""`outrider report`: reads, writes, and says by its exit status what is so."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent import __version__
from agent.client import ADMIN, Sidecar, Unreachable
from agent.drift.profiles.compare import Level
from agent.drift.profiles.told import told
from agent.drift.reference.files import write_whole
from agent.report import words
from agent.report.arguments import FORMATS
from agent.report.content import Report
from agent.report.gate import failed
from agent.report.html.page import html
from agent.report.junit import junit
from agent.report.live import live_report
from agent.report.markdown import markdown
from agent.report.samples import Asked, compared_report, samples_of
from agent.settings.building import ConfigError

CLEAN, FAILED, UNKNOWN = 0, 1, 2
PATIENCE = 600.0
"""Seconds that a sidecar may take for all that it is asked."""


def as_json(report: Report) -> str:
    """The content as it is, on one line; see docs/report.md for its keys."""
    return msgspec.json.encode(report).decode() + "\n"


FORMS: dict[str, Callable[[Report], str]] = {
    "html": html,
    "json": as_json,
    "markdown": markdown,
    "junit": junit,
}


@told("outrider report")
def report(args: argparse.Namespace) -> int:
    """`report [REFERENCE CURRENT] [--admin URL] [-o FILE] [--format F] [--fail-on …] …`."""
    form = _form(args)
    try:
        made = _made(args)
    except Unreachable as problem:
        print(f"outrider report: {problem}", file=sys.stderr)
        return UNKNOWN
    text = FORMS[form](made)
    if args.output and args.output != "-":
        _write(Path(args.output), text.encode())
        print(f"{args.output}: {words.verdict(made)}")
    else:
        sys.stdout.write(text)
    problems = failed(made, args.fail_on)
    if problems:
        print(f"outrider report: failed on {', '.join(problems)}", file=sys.stderr)
    return FAILED if problems else CLEAN


def _write(path: Path, data: bytes) -> None:
    """A file whole or not at all; into what is none, such as a pipe, as it comes."""
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            out.write(data)
    else:
        write_whole(path, data)


def _form(args: argparse.Namespace) -> str:
    if args.format:
        return str(args.format)
    if args.output in (None, "-"):
        return "markdown"
    suffix = Path(args.output).suffix.lower()
    if suffix not in FORMATS:
        wanted = f"wanted a name that ends in {', '.join(FORMATS)}, or say --format"
        raise ConfigError("--output", "", repr(args.output), wanted)
    return FORMATS[suffix]


def _made(args: argparse.Namespace) -> Report:
    by, now = f"Outrider {__version__}", time.time()
    if not args.files:
        for option in ("columns", "outputs", "timestamp", "data_format"):
            if given := getattr(args, option):
                wanted = "is of rows in files; wanted REFERENCE and CURRENT"
                shown = given if isinstance(given, str) else ",".join(given)
                raise ConfigError(f"--{option.replace('_', '-')}", "", repr(shown), wanted)
        token = args.token or os.environ.get("OUTRIDER_ADMIN__TOKEN", "")
        sidecar = Sidecar(args.admin or ADMIN, token, patience=PATIENCE)
        return live_report(sidecar, now, by)
    if len(args.files) != 2 or args.admin:
        wanted = "wanted REFERENCE and CURRENT, or --admin and no files"
        raise ConfigError("FILE", "", repr(" ".join(args.files)), wanted)
    if "findings" in args.fail_on:  # a gate that could never fail
        wanted = "is of a running sidecar; two files have no silent failures"
        raise ConfigError("--fail-on", "", "findings", wanted)
    if not 0 < args.level < 1:
        raise ConfigError("--level", "", str(args.level), "wanted more than 0 and less than 1")
    if not 0 <= args.min_effect < float("inf"):
        raise ConfigError("--min-effect", "", str(args.min_effect), "wanted 0 or more")
    asked = Asked(args.data_format, args.columns, args.outputs, args.timestamp)
    reference, other, of_rows = samples_of(args.files, asked)
    level = Level(args.level, args.min_effect)
    return compared_report(reference, other, level, now, by, of_rows=of_rows)
