"""The run drawn on the terminal with rich.

Rule: it fits 80 columns and 24 lines; what does not fit is counted, not cut.
"""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.demo.readings import ColumnDrift, Signals
from agent.demo.view import View, latency, moved, named, record_line, trace_line, verdict

FIXED_LINES = 16
"""All but the rows of the drift table, and two for what was said last."""
BAR = 16
"""Characters; the threshold is in the middle."""
STYLES = {"DRIFT": "bold red", "ok": "green", "waiting": "dim"}


class RichScreen:
    """Draws one picture, over and over, below the lines that were said."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._live = Live(console=self.console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def note(self, text: str) -> None:
        """Print it above the picture."""
        self.console.print(Text(text))

    def alarm(self, text: str) -> None:
        """Print it above the picture, in red."""
        self.console.print(Text(text, style="bold red"))

    def show(self, view: View) -> None:
        """Draw the picture anew."""
        self._live.update(picture(view, self.console.height), refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        self._live.stop()


def picture(view: View, height: int) -> RenderableType:
    """The whole picture for a terminal of `height` lines."""
    return Group(
        _heading(view),
        _progress(view),
        Text(),
        _signals(view.signals),
        Text(),
        _drift(view, max(3, height - FIXED_LINES)),
        Text(),
        _where("trace", trace_line(view.trace) if view.trace else "not yet"),
        _where("log", record_line(view.record) if view.record else "not yet"),
        _where("look", f"{view.addresses.page}  {view.addresses.metrics}"),
        _where("", view.addresses.log),
    )


def _heading(view: View) -> Text:
    style = "bold yellow" if view.act.shifted else "bold"
    legend = "   ▸ what the demo shifted" if view.act.shifted else ""
    return Text.assemble(("Outrider  ", "bold cyan"), (view.act.title, style), (legend, "yellow"))


def _progress(view: View) -> Table:
    grid = Table.grid(padding=(0, 1))
    left = max(0.0, view.act.end - view.seconds)
    done = min(view.seconds, view.act.end) - view.act.start
    grid.add_row(
        ProgressBar(total=view.act.end - view.act.start, completed=done, width=40),
        Text(f"{view.act.following} in {left:.0f} s", style="dim"),
    )
    return grid


def _signals(signals: Signals) -> Table:
    grid = Table.grid(padding=(0, 3))
    names = ("requests/s", "requests", "errors", "p50", "p90", "p99", "overhead p50")
    grid.add_row(*(Text(name, style="dim") for name in names))
    grid.add_row(
        f"{signals.rate:.0f}",
        f"{signals.requests:,.0f}",
        Text(f"{signals.errors:.0f}", style="bold red" if signals.errors else "green"),
        latency(signals.p50),
        latency(signals.p90),
        latency(signals.p99),
        latency(signals.overhead),
    )
    return grid


def _drift(view: View, lines: int) -> RenderableType:
    if not view.columns:
        return Text("drift: the first window is not full yet", style="dim")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", width=1, style="yellow")
    table.add_column("column", no_wrap=True)
    table.add_column("score ╎ threshold", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("of", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("moved", justify="right", no_wrap=True)
    for column in view.columns[:lines]:
        style = STYLES[verdict(column)]
        table.add_row(
            "▸" if is_shifted(view, column) else "",
            Text(named(column), style=style),
            Text(bar(column), style=style),
            f"{column.score:.2f}",
            f"{column.threshold:.2f}",
            Text(verdict(column), style=style),
            moved(column) if column.detected else "",
        )
    hidden = view.columns[lines:]
    if not hidden:
        return table
    drifting = sum(1 for column in hidden if column.detected)
    return Group(table, Text(f"and {len(hidden)} more, {drifting} in drift", style="dim"))


def is_shifted(view: View, column: ColumnDrift) -> bool:
    """Whether the demo is changing this column just now."""
    return view.act.shifted and column.side == "input" and column.name in view.expected


def bar(column: ColumnDrift) -> str:
    """The score as a bar that is half full at the threshold and full at twice of it."""
    filled = min(BAR, round(column.ratio * BAR / 2))
    cells = "━" * filled + " " * (BAR - filled)
    return cells[: BAR // 2] + "╎" + cells[BAR // 2 :]


def _where(label: str, text: str) -> Text:
    return Text.assemble((f"{label:<6}", "dim"), text, no_wrap=True, overflow="ellipsis")
