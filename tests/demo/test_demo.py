"""The whole demo, as a stranger runs it: real processes, real ports, real rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from agent.demo.rows import SHIFT

COMMAND = [sys.executable, "-m", "agent", "demo", "--plain"]


def environment(folder: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "TMPDIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }


def is_model_server(process: psutil.Process) -> bool:
    return "agent.demo.model_server" in process.cmdline()


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run a few seconds later; one that nobody has reaped yet does not."""
    _, alive = psutil.wait_procs(processes, timeout=5)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_alarm_goes_off_after_the_shift_and_names_its_columns(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--seconds", "24"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No alarm before the shift" in done.stdout
    for name in SHIFT:
        assert f" DRIFT {name}: score" in done.stdout
    assert "2,400 requests sent, 2,400 answered" in done.stdout
    assert "Outrider counted 2,400 and exported 4,800 spans" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_that_was_started(tmp_path: Path, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        COMMAND,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if line.startswith("sidecar ready"):
                break
        children = psutil.Process(demo.pid).children(recursive=True)
        assert len(children) >= 4, "model server, supervisor, worker, observer"
        demo.send_signal(number)
        _, errors = demo.communicate(timeout=30)
    finally:
        demo.kill()
    assert demo.returncode == 130
    assert "all that was started has ended" in errors
    assert "Traceback" not in errors
    assert not left(children)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_when_the_sidecar_dies_the_end_of_its_log_is_shown(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        COMMAND,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if line.startswith("sidecar ready"):
                break
        family = psutil.Process(demo.pid).children(recursive=True)
        next(child for child in family if not is_model_server(child)).kill()
        _, errors = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 1
    assert "the sidecar ended with status" in errors
    assert "sidecar.log" in errors
    assert not left(family)
