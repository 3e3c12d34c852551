"""`outrider profile diff`: which columns differ between two profiles, and how far.

Rule: exit status 0 if they are alike, 1 if columns differ or are in one only, 2 if nothing differs
as far as can be seen, but columns could not be compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent.drift.derived.correlation import prediction_of
from agent.drift.engine.layout import WIDTH, counted, cut, number, percent, shortened, table
from agent.drift.profiles.chosen import chosen
from agent.drift.profiles.compare import Difference, Level, State, compare
from agent.drift.profiles.show import summary
from agent.drift.profiles.told import told
from agent.drift.profiles.unshared import MEAN
from agent.drift.reference.profile import Profile, load
from agent.settings.building import ConfigError

ALIKE, DIFFER, UNKNOWN = 0, 1, 2
MOVED = 0.1
"""A correlation that moves by so much is told, though it is not judged."""
SHOWN = 5
"""Of those."""


@told("outrider profile")
def diff(args: argparse.Namespace) -> int:
    """`profile diff REFERENCE OTHER [--columns …] [--all] [--level P] [--min-effect SD] …`."""
    level = _level(args)
    profiles = load(Path(args.profile)), load(Path(args.other))
    found = compare(*profiles, level)
    found = chosen(found, args.columns, "neither profile")
    status = _status(found)
    if args.json:
        print(msgspec.json.encode(_plain(profiles, level, found, status)).decode())
        return status
    print(f"a: {summary(profiles[0], args.profile)}")
    print(f"b: {summary(profiles[1], args.other)}")
    print(_verdict(found, level))
    shown = [d for d in found if args.all or d.state != "alike"]
    if shown:
        print("\n".join(["", *_table(shown)]))
    print("\n".join(_notes(profiles, found)), end="")
    return status


def _level(args: argparse.Namespace) -> Level:
    if not 0 < args.level < 1:
        raise ConfigError("--level", "", str(args.level), "wanted more than 0 and less than 1")
    if not 0 <= args.min_effect < float("inf"):
        raise ConfigError("--min-effect", "", str(args.min_effect), "wanted 0 or more")
    return Level(args.level, args.min_effect)


def _status(found: Sequence[Difference]) -> int:
    if any(difference.is_different for difference in found):
        return DIFFER
    if not found or any(difference.state == "not_comparable" for difference in found):
        return UNKNOWN
    return ALIKE


def _verdict(found: Sequence[Difference], level: Level) -> str:
    """The whole comparison in a line."""
    states = {state: sum(d.state == state for d in found) for state in {d.state for d in found}}
    common = len(found) - states.get("only_in_reference", 0) - states.get("only_in_other", 0)
    differ = states.get("differs", 0) + states.get("other_kind", 0)
    parts = [f"{differ} of {counted(common, 'column')} {'differs' if differ == 1 else 'differ'}"]
    parts += [
        f"{states[state]} {'is' if states[state] == 1 else 'are'} {text}"
        for state, text in _STATES.items()
        if state in states and state != "other_kind"
    ]
    chance = f"1 in {1 / level.chance:,.0f} by chance, {level.min_effect:g} sd or more"
    return f"{', '.join(parts)} ({chance})"


def _table(found: Sequence[Difference]) -> list[str]:
    head = ("column", "side", "differs by", "sd", "z", "(of)", "psi", "js", "wass.", "a to b")
    return table(head, [_row(difference) for difference in found], "<<<>>>>>>")


def _row(difference: Difference) -> tuple[str, ...]:
    name = shortened(difference.name)
    found = difference.found
    if found is None:
        return (name, difference.side, _STATES[difference.state], *[""] * 6, _note(difference))
    scores = (difference.distances.get(rule) for rule in ("psi", "js", "wasserstein"))
    return (
        name,
        difference.side,
        cut(found.test, 14) if found.differs else "",
        f"{found.effect:+.2f}",
        number(found.score),
        f"({found.threshold:.1f})",
        *("" if score is None else f"{score:.2f}" for score in scores),
        _note(difference),
    )


_STATES: dict[State, str] = {
    "only_in_reference": "missing in b",
    "only_in_other": "new in b",
    "other_kind": "kind",
    "not_comparable": "not comparable",
}


def _note(difference: Difference) -> str:
    """What moved from what to what, and what could not be compared."""
    parts: list[str] = []
    found, (before, after) = difference.found, difference.mean
    if difference.state == "other_kind":
        parts.append(" to ".join(difference.kind))
    if found is not None and found.differs and found.before is not None and found.after is not None:
        shown = number if found.test == MEAN else percent
        parts.append(f"{shown(found.before)} to {shown(found.after)}")
    if before is not None and after is not None and (found is None or found.test != MEAN):
        parts.append(f"mean {number(before)} to {number(after)}")
    return "; ".join(filter(None, [*parts, difference.note]))


def _notes(profiles: Sequence[Profile], found: Sequence[Difference]) -> list[str]:
    """What is no difference of a column by itself, and what to do about bins."""
    lines: list[str] = []
    if any("other bins" in difference.note for difference in found):
        lines += [
            "",
            "Columns of other bins are compared by mean, and by what is sure of the shares below",
            "edges. To see all, build b on a's bins: outrider profile build DATA --like A -o B",
        ]
    predictions = {one.name if one else "" for one in (prediction_of(p.columns) for p in profiles)}
    moved = [
        (abs(b - a), f"{shortened(d.name)} {a:+.2f} to {b:+.2f}")
        for d in found
        for a, b in [d.correlation]
        if a is not None and b is not None and abs(b - a) >= MOVED and len(predictions) == 1
    ]
    if moved:
        most = [text for _, text in sorted(moved, reverse=True)[:SHOWN]]
        lines += ["", cut(f"correlation with {predictions.pop()}: {', '.join(most)}", WIDTH)]
    return [*lines, ""] if lines else []


def _plain(
    profiles: tuple[Profile, Profile], level: Level, found: Sequence[Difference], status: int
) -> dict[str, object]:
    about = [
        {"model": p.model, "version": p.version, "rows": p.rows, "hash": p.hash} for p in profiles
    ]
    return {
        "reference": about[0],
        "other": about[1],
        "level": level.chance,
        "min_effect": level.min_effect,
        "status": status,
        "columns": found,
    }
