from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__, cli
from agent.config import Config
from agent.settings import yaml12
from agent.settings.loading import load
from agent.settings.shown import shown

HEAVY = ["numpy", "opentelemetry", "aiohttp", "grpc", "prometheus_client", "rich", "sklearn"]
ROOT = Path(__file__).parent.parent


def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=ROOT)


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"outrider {__version__}\n")


@pytest.mark.parametrize(
    "command", [[], ["run"], ["demo"], ["profile"], ["profile", "build"], ["config", "check"]]
)
def test_help_of_every_command(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])
    assert ended.value.code == 0
    assert f"usage: outrider{''.join(f' {word}' for word in command)}" in capsys.readouterr().out


@pytest.mark.parametrize("args", [[], ["fly"], ["run", "--colour"], ["profile", "build", "a.csv"]])
def test_wrong_usage_is_status_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(args)
    assert ended.value.code == 2
    assert "usage: outrider" in capsys.readouterr().err


def test_nothing_heavy_is_imported_to_start() -> None:
    script = (
        "import sys, agent.cli as cli\n"
        "cli.parser().format_help()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_run_tells_a_config_error_before_anything_starts() -> None:
    done = run("run", "--listen", "nowhere", "--set", "timeouts.total=later")
    assert done.returncode == 2
    assert "outrider: --listen: listen = 'nowhere': wanted HOST:PORT" in done.stderr
    assert "outrider: --set: timeouts.total = 'later': wanted a duration" in done.stderr
    assert "Traceback" not in done.stderr


def test_set_wants_an_equals_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--set", "workers"]) == 2
    assert "wanted SETTING=VALUE" in capsys.readouterr().err


def test_flags_are_settings() -> None:
    text = (
        "run --upstream http://a:1 --listen :1 --admin :2 --health :3 --workers 4 --reference r "
        "--set drain.delay=1s --set listen=:9"
    )
    args = cli.parser().parse_args(text.split())
    config = load(None, {}, cli._overrides(args))
    assert config.upstream == "http://a:1"
    assert (config.listen, config.admin.listen, config.health) == (":9", ":2", ":3")
    assert (config.workers, config.drift.reference, config.drain.delay) == (4, "r", 1)


def test_defaults_that_help_tells_are_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    told = dict(re.findall(r"--(\w+) [A-Z:]+ [^()]*?\(default ([^)]+)\)", text))
    config = Config()
    assert told == {
        "upstream": config.upstream,
        "listen": config.listen,
        "admin": config.admin.listen,
        "health": config.health,
        "workers": str(config.workers),
    }


def test_config_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "check", str(ROOT / "outrider.example.yaml")]) == 0
    assert "all settings are right" in capsys.readouterr().out
    bad = tmp_path / "bad.yaml"
    bad.write_text("upstrem: http://a\nworkers: x\n")
    assert cli.main(["config", "check", str(bad)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("upstrem = 'http://a': is not a setting; did you mean upstream?")
    assert "workers = 'x'" in second


def test_config_check_shows_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTRIDER_ADMIN__TOKEN", "geheim")
    assert cli.main(["config", "check", "--show"]) == 0
    text = capsys.readouterr().out
    assert "geheim" not in text
    tree = yaml12.load(text)
    assert isinstance(tree, dict)
    assert tree["admin"].pop("token") == "***"
    expected = shown(Config())
    expected["admin"].pop("token")
    assert tree == expected


def test_config_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$defs"]["Config"]["properties"]["upstream"]


@pytest.mark.parametrize(("module", "extra"), cli.EXTRAS.items())
def test_missing_extra_gives_the_command_that_installs_it(
    module: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def call(_: object) -> int:
        raise ModuleNotFoundError(f"No module named '{module}.sub'", name=f"{module}.sub")

    monkeypatch.setitem(cli._CALLS, "config_schema", call)
    assert cli.main(["config", "schema"]) == 2
    assert f"pip install 'outrider[{extra}]'" in capsys.readouterr().err


def test_reader_of_output_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "agent", "config", "schema"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert b"Traceback" not in child.stderr.read()
