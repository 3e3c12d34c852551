"""What people write: the configuration file, reference profiles."""

from __future__ import annotations

import tempfile
from pathlib import Path

import agent.drift.reference.profile as reference
from agent.settings import loading, yaml12
from agent.settings.building import ConfigError

_FOLDER = Path(tempfile.mkdtemp(prefix="outrider-fuzz-"))


def config(data: bytes) -> None:
    """A file is a configuration, or an error that names the place; so is a variable."""
    file = _FOLDER / "outrider.yaml"
    file.write_bytes(data)
    try:
        loading.load(str(file))
    except ConfigError as error:
        assert str(error)


def yaml(data: bytes) -> None:
    """A text is plain data, or a ValueError."""
    try:
        yaml12.load(data.decode("utf-8", "replace"))
    except ValueError as error:
        assert str(error)


def profile(data: bytes) -> None:
    """Bytes are a profile that holds together, or an error that says what is wrong with it.

    The digest is put right first, else nothing behind it would ever be reached.
    """
    try:
        found = reference.parse(_with_digest(data), "here")
    except reference.ProfileError as error:
        assert str(error)
        return
    again = reference.merge([found, found])
    assert len(again.columns) == len(found.columns)


def _with_digest(data: bytes) -> bytes:
    import msgspec

    try:
        found = msgspec.json.decode(data, type=reference.Profile)
        digest = reference._digest(found)
        return msgspec.json.encode(msgspec.structs.replace(found, hash=digest))
    except (ValueError, RecursionError, TypeError):
        return data
