"""Writes the dashboards, or with --check tells whether those that lie there are the same."""

from __future__ import annotations

import sys
from pathlib import Path

from examples.grafana.source.boards import encoded

FOLDER = Path(__file__).parent.parent / "dashboards"


def main(arguments: list[str]) -> int:
    """The exit status: 1 if --check finds one that is not up to date."""
    made = {FOLDER / f"{name}.json": text for name, text in encoded().items()}
    if "--check" in arguments:
        old = [file for file, text in made.items() if not file.exists() or file.read_text() != text]
        for file in old:
            print(f"{file.name} is not what the code makes: make dashboards", file=sys.stderr)
        return int(bool(old))
    for file, text in made.items():
        file.write_text(text)
        print(f"{file.name}: {len(text.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
