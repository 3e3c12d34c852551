"""`outrider profile show`: what a reference knows, for people and programs."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.drift.derived.stored import described
from agent.drift.profiles.told import told
from agent.drift.reference import ColumnProfile, Profile, load
from agent.drift.variation import Period


@told("outrider profile")
def show(args: argparse.Namespace) -> int:
    """`profile show FILE [--json]`."""
    profile = load(Path(args.profile))
    if args.json:
        print(msgspec.json.encode(profile).decode())
        return 0
    print(summary(profile, args.profile))
    if profile.period is not None:
        print(f"  {_shown_period(profile.period)}")
    for column in profile.columns:
        print(f"  {column.side:6} {column.name:24} {column.kind:11} {_content(column)}")
    derived = described(profile.derived)
    if derived:
        print(f"  derived: {', '.join(derived)}")
    return 0


def summary(profile: Profile, path: str) -> str:
    model = profile.model or "any model"
    return (
        f"{path}: {model}, {profile.rows} rows, {len(profile.columns)} columns, "
        f"{profile.short_hash}"
    )


def _shown_period(period: Period) -> str:
    days = (period.ended - period.began) / 86400
    began = datetime.fromtimestamp(period.began, UTC)
    changed = f"; changed within it: {', '.join(period.changed)}" if period.changed else ""
    return f"of {days:.1f} days from {began:%Y-%m-%d %H:%M} UTC{changed}"


def _content(column: ColumnProfile) -> str:
    parts: list[str] = []
    if column.moments is not None:
        seen = column.moments
        parts.append(f"{seen.min:.6g} to {seen.max:.6g}, mean {seen.mean:.6g}, sd {seen.std:.6g}")
    if column.categories:
        shown = ", ".join(name[:20] for name in column.categories[:5])
        parts.append(shown + (", …" if len(column.categories) > 5 else ""))
    if column.missing:
        parts.append(f"missing {column.missing / column.rows:.1%}")
    if column.invalid:
        parts.append(f"invalid {column.invalid / column.rows:.1%}")
    return "; ".join(parts)
