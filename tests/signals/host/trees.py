"""Folders that look like the kernel's, for what reads these."""

from __future__ import annotations

from pathlib import Path


def write(root: Path, files: dict[str, str]) -> None:
    """Each file by its path below `root`."""
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def stat_line(
    pid: int,
    parent: int = 1,
    *,
    name: str = "python",
    state: str = "S",
    cpu: int = 0,
    children: int = 0,
    threads: int = 1,
    start: int = 100,
    pages: int = 10,
) -> str:
    """As /proc/PID/stat writes it; CPU in ticks."""
    before = f"{parent} {pid} {pid} 0 -1 4194560 1 2 3 4"
    return (
        f"{pid} ({name}) {state} {before} {cpu} 0 {children} 0 20 0 {threads} 0 {start} "
        f"1000000 {pages} 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
    )
