"""`make fuzz ARGS="--seconds 60 reader"`: fuzzes the named targets, or all, one after another.

What is found on the way stays in build/fuzz/TARGET; an input that breaks a promise is written to
fuzz/corpus/TARGET/crash-…, where `make test` will find it until it is mended. `--keep` adds the
smallest of what reached new code to the kept corpus.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from fuzz.targets import CORPUS, TARGETS

SCRATCH = Path("build/fuzz")
MAX_LENGTH = 2048
"""Bytes of an input: enough for several messages, and a corpus that stays small."""
UNIT_SECONDS = 10
"""An input that takes longer is a fault of its own (a hang)."""
KEPT = 60
"""Inputs that `--keep` adds at most, the smallest: each of them reached code that was new."""
MEMORY = 2048
"""MiB of the whole process."""


def fuzz(target: str, seconds: int, keep: bool) -> int:
    """Runs one target in a process of its own; the exit status says whether it held."""
    kept, scratch = CORPUS / target, SCRATCH / target
    for folder in (kept, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    bounds = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_LENGTH}",
        f"-timeout={UNIT_SECONDS}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={kept}/",
        "-print_final_stats=1",
    ]
    run = [sys.executable, "-m", "fuzz.run", target, *bounds, str(scratch), str(kept)]
    status = subprocess.run(run).returncode
    if status == 0 and keep:
        for file in sorted(scratch.iterdir(), key=lambda file: file.stat().st_size)[:KEPT]:
            shutil.copy(file, kept)
    return status


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--keep", action="store_true", help="add what was found to the corpus")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}: choose of {', '.join(TARGETS)}")
    failed = [
        target for target in chosen.targets or TARGETS if fuzz(target, chosen.seconds, chosen.keep)
    ]
    print(f"broken: {', '.join(failed)}" if failed else "all held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
