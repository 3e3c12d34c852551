"""Writes the dashboards; tests/grafana holds what lies there to what the code makes."""

from __future__ import annotations

from pathlib import Path

from examples.grafana.source.boards import encoded

FOLDER = Path(__file__).parent.parent / "dashboards"

if __name__ == "__main__":
    for name, text in encoded().items():
        (FOLDER / f"{name}.json").write_text(text)
        print(f"{name}.json: {len(text.encode()):,} bytes")
