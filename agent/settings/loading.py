"""Where settings come from: a flag, else an `OUTRIDER_…` variable, else the file, else the default.

Rule: every fault is found and told with its source, its path, what stands there and what to write
instead, before anything listens. Values are laid over each other as a plain tree, of which
`agent.settings.building` makes the `Config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from agent.config import Config
from agent.settings import rules, yaml12
from agent.settings.building import Builder, ConfigError, Given, Path, written

PREFIX = "OUTRIDER_"
FILE_VARIABLE = "OUTRIDER_CONFIG"

_SERVICE_LINK = re.compile(r"OUTRIDER(_\w+)?_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_\w+)?)")
"""What Kubernetes puts into the environment of pods beside a Service that is named outrider."""


class Override(NamedTuple):
    """A setting that was said outside the file."""

    source: str
    """The flag or variable, as the user wrote it."""
    path: Path
    text: str


def load(
    path: str | None = None,
    env: Mapping[str, str] | None = None,
    flags: Iterable[Override] = (),
) -> Config:
    """Reads all settings. `path` is the YAML file. Raises `ConfigError`."""
    env = env or {}
    path = path or env.get(FILE_VARIABLE) or None
    tree = _read(path) if path else {}
    for override in (*_variables(env), *flags):
        _lay(tree, override)
    builder = Builder(path or "default")
    config = builder.struct(Config, tree, ())
    if isinstance(config, Config):
        for setting, value, remedy in rules.broken(config):
            builder.broken(setting, value, remedy)
    if builder.errors:
        first, *rest = builder.errors
        first.also = tuple(rest)
        raise first
    assert isinstance(config, Config)
    return config


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            tree = yaml12.load(file.read())
    except OSError as error:
        raise ConfigError(path, "", "file", f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(path, "", "file", f"is not YAML: {error}") from None
    if not isinstance(tree, dict | None):
        raise ConfigError(path, "", "file", "wanted a mapping like `upstream: http://…`")
    return tree or {}


def _variables(env: Mapping[str, str]) -> Iterator[Override]:
    for name in sorted(env):
        ours = name.startswith(PREFIX) and name != FILE_VARIABLE and env[name].strip()
        if ours and not _SERVICE_LINK.fullmatch(name):
            yield Override(name, tuple(name.removeprefix(PREFIX).lower().split("__")), env[name])


def _lay(tree: dict[str, Any], override: Override) -> None:
    """Puts an override into the tree; a mapping is merged key by key."""
    try:
        value = yaml12.load(override.text)
    except ValueError:
        value = override.text
    if isinstance(value, dict) and value:
        for key, item in value.items():
            path = (*override.path, str(key))
            _lay(tree, Override(override.source, path, written(item)))
        return
    for key in override.path[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[override.path[-1]] = Given(value, override.text, override.source)
