"""Results as a Markdown table and a picture for people, JSON for programs, in `bench/results/`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import chart, tools
from bench.chart import Chart
from bench.rig import say
from bench.settings import Settings

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """A heading, column names, and cells already made into text."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """GitHub's form; numbers (all columns but the first) to the right."""
        lines = [f"## {self.heading}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|---|" + "--:|" * (len(self.columns) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *(f"{note}\n" for note in self.notes)])


def median(values: Sequence[float]) -> float:
    """The middle one; not a number if there are none."""
    return statistics.median(values) if values else float("nan")


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Least to greatest."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}" if values else "–"


def ratio(value: float, other: float | None) -> str:
    """`value / other`, or a dash if there is no other."""
    return f"{value / other:.2f}" if other else "–"


def machine(settings: Settings, envoy: Path | None) -> dict[str, str]:
    """The machine, the versions and the command, for the head of a report."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": settings.command,
        **tools.machine(),
        **tools.versions(envoy),
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write(
    settings: Settings,
    envoy: Path | None,
    question: str,
    title: str,
    tables: Sequence[Table],
    data: Any,
    charts: Sequence[Chart] = (),
    versions: Mapping[str, str] | None = None,
) -> None:
    """Print the tables; of a whole field also write `results/QUESTION.md`, `.json` and `.svg`.

    `data` is anything of dataclasses and plain values; `charts` is what the picture shows;
    `versions` are those of peers that not every question has.
    """
    about = machine(settings, envoy) | dict(versions or {})
    head = ", ".join(f"{key} {value}" for key, value in about.items() if key != "command")
    text = f"# {title}\n\n{head}.\n\n`{about['command']}`\n\n"
    text += "\n".join(table.markdown() for table in tables)
    print("\n" + text, flush=True)
    if settings.partial:
        return
    RESULTS.mkdir(exist_ok=True)
    kept = {"about": about, "results": data, "charts": chart.kept(charts)}
    content = RESULTS / f"{question}.json"
    content.write_text(json.dumps(kept, indent=1, default=_plain) + "\n")
    if charts:
        _draw(content)
        text += f"\n![{title}]({question}.svg)\n"
    (RESULTS / f"{question}.md").write_text(text)


def _draw(content: Path) -> None:
    try:
        chart.draw(content)
    except ImportError:
        say("no picture: no matplotlib; `make bench` installs it, `python -m bench.chart` draws")
