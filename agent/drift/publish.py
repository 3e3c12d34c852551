"""A reference that is put in by hand: `PUT /api/v1/reference`.

Rule: checked as a file is, and against the model and the traffic there is; nothing changes if it
does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.drift.reference.profile import Profile, ProfileError, parse
from agent.drift.reference.vectors import numbered
from agent.drift.state.orders import OrderError
from agent.drift.traffic.model import ModelWatch

SOURCE = "PUT /api/v1/reference"


def checked(raw: bytes, name: str) -> Profile:
    """The profile in a body, for the model `name`. Raises OrderError."""
    try:
        profile = parse(raw, SOURCE)
    except ProfileError as problem:
        told = str(problem).removeprefix(f"{SOURCE}: {problem.field}: ")
        raise OrderError(problem.field, str(problem.value)[:200], told) from None
    if profile.model not in ("", name):
        remedy = f"it is of model {profile.model!r}, not {name!r}: build it with --model {name}"
        raise OrderError("model", profile.model, remedy)
    if not profile.columns:
        raise OrderError("columns", 0, "it has no columns: build it again")
    return profile


def version_of(profile: Profile, version: str | None, known: Sequence[str]) -> str:
    """Which version a profile is for, of a model of which these are `known`; empty: of requests
    that name none. Raises OrderError.

    Without a word of the user or of the traffic it is for whatever version comes, as a file is.
    """
    if version and profile.version not in ("", version):
        remedy = f"it is of version {profile.version!r}: build it with --model-version {version}"
        raise OrderError("version", profile.version, remedy)
    if version is not None:
        return version
    if not known or list(known) == [""]:
        return ""
    if profile.version or len(known) == 1:
        return profile.version or known[0]
    remedy = f"say which, as ?version=…; known are: {', '.join(map(repr, known))}"
    raise OrderError("version", None, remedy)


def fits(profile: Profile, model: ModelWatch) -> None:
    """Raises OrderError if a column of the profile never came in the traffic there was."""
    for side in model.sides:
        wanted = [column.name for column in profile.columns if column.side == side.name]
        seen = {name for name, column in side.columns.items() if column.seen}
        seen |= side.unexpected.keys() | side.buffers.keys()
        for watched in side.vectors:
            seen.update(watched.columns if watched.vector.name in seen else ())
        for vector in profile.vectors:
            if vector.side == side.name and numbered(vector.name, vector.shape)[0] in seen:
                seen.update(vector.views)
        strange = [name for name in wanted if name not in seen]
        if not seen or not strange or (side.name == "output" and len(wanted) == len(seen) == 1):
            continue
        remedy = (
            f"never among the {side.name}s of {model.name!r}, which has "
            f"{', '.join(sorted(seen)[:20])}: build the profile without them, or of this model's "
            f"own data"
        )
        raise OrderError(f"columns ({side.name})", ", ".join(strange[:20]), remedy, 409)
