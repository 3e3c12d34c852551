"""The command `outrider`.

Rule: this is the edge. Errors that people can mend are told here, once, without a traceback, and
end with status 2. What a command needs is imported when it runs, so that the sidecar, which is
started by the same command, loads nothing of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from agent import demo
from agent.arguments import parser
from agent.settings.building import ConfigError
from agent.settings.loading import Override, load

EXTRAS = {"pyarrow": "parquet", "cramjam": "snappy", "sklearn": "demo", "rich": "demo"}
"""Which extra brings which module."""

_FLAGS = {
    "upstream": "upstream",
    "listen": "listen",
    "admin": "admin.listen",
    "health": "health",
    "workers": "workers",
    "reference": "drift.reference",
}
"""Flags of `run` that are settings, by the path of the setting."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command in `argv` (default: the process's own). Returns its exit status."""
    args = parser().parse_args(argv)
    try:
        status: int = _CALLS[args.command](args)
        return status
    except ConfigError as error:
        for fault in (error, *error.also):
            print(f"outrider: {fault}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        print(
            f"outrider: this needs {error.name}: pip install 'outrider[{extra}]'", file=sys.stderr
        )
        return 2
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _run(args: argparse.Namespace) -> int:
    from agent.settings.telemetry import telemetry

    config = load(args.config, os.environ, _overrides(args))
    resolved = telemetry(os.environ)
    for warning in resolved.warnings:
        print(f"outrider: {warning}", file=sys.stderr)
    from agent.supervisor import run

    status: int = run(config, resolved, args.takeover)
    return status


def _overrides(args: argparse.Namespace) -> list[Override]:
    """The flags of `run` as settings, the general `--set` last."""
    named = [
        Override(f"--{flag}", tuple(path.split(".")), text)
        for flag, path in _FLAGS.items()
        if (text := getattr(args, flag)) is not None
    ]
    return named + [_assignment(text) for text in args.set]


def _assignment(text: str) -> Override:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ConfigError("--set", "", repr(text), "wanted SETTING=VALUE like timeouts.total=2m")
    return Override("--set", tuple(path.split(".")), value)


def _check(args: argparse.Namespace) -> int:
    config = load(args.file, os.environ)
    if args.show:
        import yaml

        from agent.settings.shown import shown

        yaml.safe_dump(shown(config), sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        print(f"{args.file or 'variables and defaults'}: all settings are right")
    return 0


def _schema(args: argparse.Namespace) -> int:
    from agent.settings.shown import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0


def _profile(args: argparse.Namespace) -> int:
    import agent.drift.profiles.cli as profile_cli

    name = "import_" if args.action == "import" else args.action
    status: int = getattr(profile_cli, name)(args)
    return status


def _backtest(args: argparse.Namespace) -> int:
    import agent.drift.backtest.cli as backtest_cli

    status: int = backtest_cli.backtest(args)
    return status


def _decode(args: argparse.Namespace) -> int:
    import agent.decode.cli as decode_cli

    return decode_cli.decode(args)


def _report(args: argparse.Namespace) -> int:
    import agent.report.cli as report_cli

    status: int = report_cli.report(args)
    return status


def _checked(args: argparse.Namespace) -> int:
    from agent.check.cli import check

    return check(args)


def _alerts_test(args: argparse.Namespace) -> int:
    import agent.alerts.cli as alerts_cli

    return alerts_cli.test(args)


_CALLS = {
    "run": _run,
    "demo": demo.main,
    "profile": _profile,
    "backtest": _backtest,
    "decode": _decode,
    "report": _report,
    "alerts_test": _alerts_test,
    "check": _checked,
    "config_check": _check,
    "config_schema": _schema,
}
"""By `command` of `agent.arguments`; each gives an exit status."""
