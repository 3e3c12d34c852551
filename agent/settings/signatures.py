"""The names of a model's columns in an MLmodel file, which MLflow writes beside each model.

Rule: what is not such a file is a ValueError that says what is wrong with it.

Source: MLflow's "Model Signatures" page: `signature` has `inputs` and `outputs`, each a JSON text,
a list of columns with `type` and, where it has one, `name`. MLflow's own scoring server does not
tell it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from agent.settings import yaml12

MAX_FILE = 1 << 20
"""Bytes."""
MAX_NAME = 128
"""Characters of a column's name."""


class Signature(NamedTuple):
    """Names in order; none where the model has none."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def signature(path: str) -> Signature:
    """That of the MLmodel file, or of the one in this folder. Raises ValueError."""
    file = Path(path)
    try:
        file = file / "MLmodel" if file.is_dir() else file
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
    except OSError as problem:
        raise ValueError(f"cannot be read: {problem.strerror}") from None
    if len(raw) > MAX_FILE:
        raise ValueError(f"is longer than {MAX_FILE} bytes, so no MLmodel file")
    return parsed(raw)


def parsed(raw: bytes) -> Signature:
    """The same of a file's bytes. Raises ValueError."""
    try:
        tree = yaml12.load(raw.decode())
    except (ValueError, RecursionError):
        raise ValueError("is no MLmodel file: it is not YAML") from None
    found: Any = tree.get("signature") if isinstance(tree, dict) else None
    if not isinstance(found, dict):
        raise ValueError("has no signature: log the model with one (infer_signature)")
    try:
        names = Signature(_names(found.get("inputs")), _names(found.get("outputs")))
    except (ValueError, RecursionError):
        raise ValueError("is no MLmodel file: its signature is not JSON") from None
    if not any(names):
        raise ValueError("has a signature that names no columns")
    return names


def _names(written: object) -> tuple[str, ...]:
    columns = json.loads(written) if isinstance(written, str) else None
    if not isinstance(columns, list) or not all(isinstance(one, dict) for one in columns):
        return ()
    names = [one.get("name") for one in columns]
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in names):
        return ()
    return tuple(names) if len({*names}) == len(names) else ()
