"""What `outrider` and its commands take: arguments, help and examples.

Rule: declarations alone. `command` is what each is called by in `agent.cli`, which runs them.
"""

from __future__ import annotations

import argparse

from agent import __version__, demo
from agent.alerts.arguments import add_alerts
from agent.check.arguments import add_check
from agent.drift.profiles.arguments import add_diff, add_show, names
from agent.report.arguments import add_report

Commands = argparse._SubParsersAction  # argparse has no public name for it

_KINDS = ("numeric", "categorical", "text", "boolean", "timestamp", "vector", "columns")
"""Of columns in a profile."""

_EXAMPLES = """\
examples:
  outrider demo                                         see it work, with a model of its own
  outrider run --upstream http://127.0.0.1:8000         put it before your model
  outrider profile build train.csv -o reference.json    what normal looks like, from data
  outrider decode request.json                          what a payload becomes, and why
  outrider report -o drift.html                         what drifted, to hand round or fail a build
  outrider check --wait 30s                             is it well, is the model, does it drift?
  outrider config check outrider.yaml                   are the settings right?

Set anything by flag, by an OUTRIDER_… variable, or in a YAML file (outrider.example.yaml has all
settings explained). The standard OTEL_… variables say where traces and metrics are sent.
"""

_RUN = """\
examples:
  outrider run --upstream http://127.0.0.1:8000 --reference reference.json
  outrider run --upstream unix:///run/model.sock --listen :8900 --set timeouts.total=2m
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 outrider run --config outrider.yaml

Send clients to --listen instead of to the model. Open --admin in a browser for the page, and let
Prometheus scrape /metrics there; point probes at /healthz and /readyz on --health. SIGTERM drains,
then ends.

With --takeover it replaces the one that serves the same --listen, and starts as usual if there is
none: that one finishes what is in flight and ends with status 0. If the new one cannot take its
place it ends with status 2, and the running one serves on. Same user, same network namespace.
"""

_BUILD = """\
examples:
  outrider profile build train.csv -o reference.json
  outrider profile build train.parquet -o reference.json --model iris --columns age,income
  outrider profile build history.jsonl -o reference.json --outputs score
"""


_BACKTEST = """\
examples:
  outrider drift backtest march.parquet --reference reference.json --timestamp at
  outrider drift backtest year.parquet --reference-until 2025-02-01 --timestamp at
  outrider drift backtest rows.csv --reference-rows 20000 --window 1000 --interval 5m
  outrider drift backtest rows.jsonl --reference reference.json --picture march.svg --fail-on drift
"""


_DECODE = """\
exit status: 0 if it is decoded, 1 if it or its answer is not understood, 2 on wrong usage.

examples:
  outrider decode request.json --path /v2/models/iris/infer --content-type application/json
  outrider decode request.json --answer response.json
  curl -s http://127.0.0.1:8000/example | outrider decode - --header 'Content-Encoding: gzip'
"""


def parser() -> argparse.ArgumentParser:
    """Of the whole command line."""
    made = argparse.ArgumentParser(
        prog="outrider",
        description="The observability sidecar for model servers: metrics, traces, logs and drift "
        "alarms, with no change to the model or its server.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"outrider {__version__}")
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    text = "a real model, the sidecar before it, and traffic that drifts: watch the alarm go off"
    command = commands.add_parser("demo", help=text, description=f"Starts {text}.")
    demo.add_arguments(command)
    command.set_defaults(command="demo")
    _add_profile(commands)
    _add_drift(commands)
    _add_decode(commands)
    add_report(commands)
    add_check(commands)
    add_alerts(commands)
    _add_config(commands)
    return made


def _add_run(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "the sidecar: passes traffic to the model server and observes it"
    run = commands.add_parser(
        "run",
        help=text,
        description=f"Runs {text}.",
        epilog=_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = run.add_argument
    add("--upstream", metavar="URL", help="the model server (default http://127.0.0.1:8000)")
    add("--listen", metavar="HOST:PORT", help="where clients connect (default 127.0.0.1:8900)")
    add("--admin", metavar="HOST:PORT", help="page, metrics, status (default 127.0.0.1:8901)")
    add("--health", metavar="HOST:PORT", help="probes (default 127.0.0.1:8902)")
    add("--workers", metavar="N", help="proxy processes, about one a core in use (default 1)")
    add("--reference", metavar="FILE", help="profile to judge drift by; without: learned")
    add("--config", metavar="FILE", help="YAML file with settings")
    add(
        "--set",
        metavar="SETTING=VALUE",
        action="append",
        default=[],
        help="any setting by its path in the file, such as drain.delay=1s; may be repeated",
    )
    add(
        "--takeover",
        action="store_true",
        help="replace the outrider that serves this --listen now, refusing and losing nothing",
    )
    run.set_defaults(command="run")


def _add_profile(commands: Commands[argparse.ArgumentParser]) -> None:
    text = "reference profiles: small files that say what normal traffic looks like"
    profile = commands.add_parser("profile", help=text, description=text.capitalize() + ".")
    actions = profile.add_subparsers(metavar="ACTION", dest="action", required=True)
    build = actions.add_parser(
        "build",
        help="make a profile from rows of data",
        epilog=_BUILD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("data", metavar="DATA", help="file of rows, or - for standard input")
    build.add_argument("-o", "--output", metavar="FILE", required=True, help="profile to write")
    formats = ("csv", "jsonl", "parquet")
    build.add_argument("--format", choices=formats, help="of DATA (default: by its name)")
    build.add_argument("--model", metavar="NAME", default="", help="only for this model's traffic")
    build.add_argument("--model-version", metavar="NAME", default="", help="of the model")
    build.add_argument("--columns", metavar="A,B,…", type=names, help="inputs (default: all)")
    build.add_argument(
        "--outputs", metavar="A,B,…", type=names, default=(), help="columns that are predictions"
    )
    build.add_argument(
        "--target", metavar="COLUMN", default="", help="what was right, to estimate accuracy by"
    )
    build.add_argument(
        "--kind",
        metavar="COLUMN=KIND",
        type=_kind,
        action="append",
        default=[],
        help=f"{', '.join(_KINDS)}; if its values look like another; may be repeated; vector or "
        "columns: what NAME-0, NAME-1 … are together",
    )
    build.add_argument(
        "--hash", metavar="A,B,…", type=names, default=(),
        help="columns whose categories are kept as keyed hashes, though they look like no ids",
    )  # fmt: skip
    build.add_argument(
        "--timestamp", metavar="COLUMN", default="", help="times of the rows; no feature"
    )
    build.add_argument(
        "--like", metavar="FILE", help="columns and bins of this profile, to compare or merge with"
    )
    add_show(actions)
    add_diff(actions)
    merge = actions.add_parser("merge", help="one profile of several that share their bins")
    merge.add_argument("profiles", metavar="FILE", nargs="+")
    merge.add_argument("-o", "--output", metavar="FILE", required=True, help="profile to write")
    _add_import(actions)
    profile.set_defaults(command="profile")


def _add_import(actions: Commands[argparse.ArgumentParser]) -> None:
    imported = actions.add_parser(
        "import",
        help="make a profile of another tool's",
        epilog="SOURCE: a SageMaker Model Monitor baseline (statistics.json, or the folder with it "
        "and constraints.json), or a whylogs profile (.bin); its content says which.",
    )
    imported.add_argument("source", metavar="SOURCE")
    imported.add_argument("-o", "--output", metavar="FILE", required=True, help="profile to write")
    imported.add_argument(
        "--model", metavar="NAME", default="", help="only for this model's traffic"
    )
    imported.add_argument(
        "--outputs", metavar="A,B,…", type=names, default=(), help="columns that are predictions"
    )


def _add_drift(commands: Commands[argparse.ArgumentParser]) -> None:
    drift = commands.add_parser("drift", help="drift of rows that have passed already")
    actions = drift.add_subparsers(metavar="ACTION", required=True)
    backtest = actions.add_parser(
        "backtest",
        help="the alarms that a history would have raised",
        description="Judges a history by the very code that judges traffic, with the clock of the "
        "data, and prints the alarms that would have been raised.",
        epilog=_BACKTEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = backtest.add_argument
    add("data", metavar="DATA", help="file of rows, the oldest first")
    add("--format", choices=("csv", "jsonl", "parquet"), help="of DATA (default: by its name)")
    normal = backtest.add_mutually_exclusive_group().add_argument
    normal("--reference", metavar="FILE", help="profile of what is normal")
    normal("--reference-until", metavar="TIME", help="or: learn it from the rows before this time")
    normal("--reference-rows", metavar="N", type=int, help="or: learn it from the first N rows")
    add("--outputs", metavar="A,B,…", type=names, default=(), help="predictions, if it is learned")
    add("--timestamp", metavar="COLUMN", help="column of times (ISO 8601, or since the epoch)")
    add("--window", metavar="ROWS", type=int, help="rows of a window (default 1000)")
    add("--interval", metavar="TIME", help="longest time of a window; without --timestamp: what "
        "each takes (default 5m)")  # fmt: skip
    add("--false-alarms", metavar="RATE", help='allowed, such as "1 per 30d"')
    add("--min-effect", metavar="SD", type=float, help="less never alarms (default 0.05)")
    add("--replicas", metavar="N", type=int, help="sidecars that share the budget")
    add("--mode", help="evidence, or an old rule such as psi")
    add("--config", metavar="FILE", help="take the drift settings from here")
    add("--json", action="store_true", help="a line a window, an alarm, and the summary")
    add("--picture", metavar="FILE.svg", help="draw columns over time")
    add("--fail-on", choices=("drift",), help="exit status 1 if an alarm was raised")
    backtest.set_defaults(command="backtest")


def _add_decode(commands: Commands[argparse.ArgumentParser]) -> None:
    decode = commands.add_parser(
        "decode",
        help="what a payload becomes, and why",
        description="Decodes a request's body, and its answer's, by the very code that decodes "
        "traffic, and says which dialect it is and on what evidence.",
        epilog=_DECODE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = decode.add_argument
    add("file", metavar="FILE", help="body of a request, or - for standard input")
    add("--path", metavar="PATH", default="/", help="that it is sent to (default /)")
    add("--content-type", metavar="TYPE", help="of the request")
    add("--header", metavar="'NAME: VALUE'", action="append", default=[],
        help="of the request; may be repeated")  # fmt: skip
    add("--answer", metavar="FILE", help="body of the response, or -")
    add("--answer-header", metavar="'NAME: VALUE'", action="append", default=[],
        help="of the response; may be repeated")  # fmt: skip
    add("--config", metavar="FILE", help="settings, of which `routes` counts here")
    add("--json", action="store_true", help="all of it, for programs")
    decode.set_defaults(command="decode")


def _add_config(commands: Commands[argparse.ArgumentParser]) -> None:
    config = commands.add_parser("config", help="check settings, or get their JSON Schema")
    actions = config.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser(
        "check", help="read settings as `run` would, and tell everything that is wrong"
    )
    check.add_argument("file", metavar="FILE", nargs="?", help="default: $OUTRIDER_CONFIG, if set")
    check.add_argument("--show", action="store_true", help="print all settings, secrets hidden")
    check.set_defaults(command="config_check")
    schema = actions.add_parser("schema", help="print the JSON Schema of the file, for editors")
    schema.set_defaults(command="config_schema")


def _kind(text: str) -> tuple[str, str]:
    column, equals, kind = text.rpartition("=")
    if not equals or kind not in _KINDS:
        wanted = f"wanted COLUMN=KIND, KIND one of {', '.join(_KINDS)}"
        raise argparse.ArgumentTypeError(f"{text!r}: {wanted}")
    return column, kind
