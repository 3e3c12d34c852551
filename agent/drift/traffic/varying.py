"""What of a reference is not judged because its columns vary by themselves, and it does too.

Rule: pure; by how much it varies is not known, so its alarms could not be believed.
"""

from __future__ import annotations

from agent.drift.reference.profile import Profile
from agent.drift.reference.variation import varies
from agent.drift.settings import Settings


def is_varying(reference: Profile, settings: Settings) -> bool:
    """Whether columns are known to vary by themselves, as far as that is allowed for."""
    if settings.natural_variation == "off":
        return False
    return any(varies(column.variation) for column in reference.columns)


def are_relations_unknown(reference: Profile, settings: Settings) -> bool:
    """Whether that is not known of relations and importances."""
    derived = reference.derived
    known = derived is None or not derived.inputs or bool(derived.variation)
    return not known and is_varying(reference, settings)


def unjudged(reference: Profile, settings: Settings) -> list[str]:
    """For people; nothing in the modes that judge nothing but columns."""
    found: list[str] = []
    if settings.mode != "evidence":
        return found
    if are_relations_unknown(reference, settings):
        found.append("relations and importances")
    if reference.vectors and is_varying(reference, settings):
        found.append("means of vectors")
    return found
