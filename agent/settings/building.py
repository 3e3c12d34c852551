"""From a plain tree of what was said to a declared struct, with every fault on the way.

Rule: the declaration (types, bounds, examples, defaults) is all that is known of settings here.
Structs and containers are walked, so that each fault has its own path; single values are msgspec's.
"""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from agent.settings.shown import HIDDEN, default_of, shown
from agent.settings.units import Secret

_PASSWORD = re.compile(r"//[^/@\s]*@")

Path = tuple[str, ...]
Fields = dict[str, msgspec.structs.FieldInfo]


class ConfigError(Exception):
    """A setting that cannot be used.

    `file` is where it was said (a file, a variable, a flag), `path` the setting, `value` what
    stands there, `remedy` what to do. `also` has the other faults found in the same go.
    """

    def __init__(
        self, file: str, path: str, value: str, remedy: str, also: tuple[ConfigError, ...] = ()
    ) -> None:
        super().__init__(file, path, value, remedy)
        self.file, self.path, self.value, self.remedy, self.also = file, path, value, remedy, also

    def __str__(self) -> str:
        setting = f"{self.path} = {self.value}" if self.path else self.value
        return f"{self.file}: {setting}: {self.remedy}"


class Given(NamedTuple):
    """What came from a flag or variable: as YAML reads it, and as it is (None: a part of it)."""

    value: object
    text: str | None
    source: str


class Builder:
    """Builds structs from a tree, and gathers what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[ConfigError] = []
        self.sources: dict[Path, str] = {}

    def broken(self, setting: str, value: str, remedy: str) -> None:
        """Notes that a setting does not go with another, by its path with dots."""
        source = self.sources.get(tuple(setting.split(".")), self.file)
        self.errors.append(ConfigError(source, setting, value, remedy))

    def fault(
        self,
        node: object,
        path: Path,
        remedy: str,
        secret: bool = False,
        source: str | None = None,
    ) -> None:
        """Notes that what stands at `path` cannot be used."""
        source = source or _source(node) or self.file
        value = f"'{HIDDEN}'" if secret else _PASSWORD.sub(f"//{HIDDEN}@", repr(_plain(node)))
        value = value if len(value) <= 200 else f"{value[:200]}…"
        self.errors.append(ConfigError(source, ".".join(path), value, remedy))

    def struct(self, cls: type[msgspec.Struct], node: object, path: Path) -> object:
        """A `cls` from a mapping; anything else if a fault was noted."""
        given = _parts(node)
        if given is None:
            given = {}
        if not isinstance(given, dict):
            names = ", ".join(cls.__struct_fields__)
            self.fault(node, path, f"wanted settings of its own: {names}")
            return None
        fields: Fields = {field.name: field for field in msgspec.structs.fields(cls)}
        values: dict[str, object] = {}
        for key, item in self._tagged(cls, given, path, _source(node)):
            if field := fields.get(key):
                values[key] = self.value(field, item, (*path, key))
            else:
                self._unknown(str(key), item, fields, path)
        for name in [name for name in fields if fields[name].required and name not in given]:
            remedy = f"must be set, {_example(fields[name])}"
            self.fault(None, (*path, name), remedy, source=_source(node))
        return None if self.errors else cls(**values)

    def _unknown(self, key: str, node: object, fields: Fields, path: Path) -> None:
        close = difflib.get_close_matches(key, list(fields), 1, 0.5)
        types = [fields[close[0]].type] if close else [field.type for field in fields.values()]
        secret = any(map(_is_secret, types))
        if close:
            remedy = f"is not a setting; did you mean {'.'.join((*path, close[0]))}?"
        else:
            remedy = f"is not a setting; known here: {', '.join(fields)}"
        self.fault(node, (*path, key), remedy, secret)

    def _tagged(
        self, cls: type[msgspec.Struct], tree: dict[str, object], path: Path, source: str | None
    ) -> list[tuple[str, object]]:
        """The items of `tree` less the tag that says which struct it is."""
        tag = cls.__struct_config__.tag_field
        if tag is None:
            return list(tree.items())
        known = str(cls.__struct_config__.tag)
        if _plain(tree.get(tag)) != known:
            remedy = f"wanted one of the known types: {known}"
            self.fault(tree.get(tag), (*path, tag), remedy, source=source)
            return []
        return [(key, item) for key, item in tree.items() if key != tag]

    def value(self, field: msgspec.structs.FieldInfo, node: object, path: Path) -> object:
        """What `field` becomes."""
        return self.typed(field.type, field, node, path)

    def typed(
        self, type_: Any, field: msgspec.structs.FieldInfo, node: object, path: Path
    ) -> object:
        """What `node` is as `type_`: structs and containers by parts, the rest by msgspec."""
        bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
        origin, parts = get_origin(bare), get_args(bare)
        plain = _parts(node)
        if origin in (Union, UnionType):
            structs = [part for part in parts if _is_struct(part)]
            if len(structs) > 1:
                return self._one_of(structs, node, path)
            bare = structs[0] if structs and isinstance(plain, dict) else bare
        if _is_struct(bare):
            return self.struct(bare, node, path)
        if origin is dict and isinstance(plain, dict):
            return {
                self.leaf(parts[0], field, key, (*path, str(key))): self.typed(
                    parts[1], field, item, (*path, str(key))
                )
                for key, item in plain.items()
            }
        if origin is tuple and _is_struct(parts[0]) and isinstance(plain, list):
            return tuple(
                self.struct(parts[0], item, (*path, str(at))) for at, item in enumerate(plain)
            )
        return self.leaf(type_, field, node, path)

    def _one_of(self, structs: list[type[msgspec.Struct]], node: object, path: Path) -> object:
        """The struct that has the tag which stands in `node`."""
        given, field = _parts(node), structs[0].__struct_config__.tag_field or ""
        tags = {str(struct.__struct_config__.tag): struct for struct in structs}
        known = ", ".join(tags)
        if not isinstance(given, dict):
            remedy = f"wanted settings of its own, {field} first: {known}"
            self.fault(node, path, remedy, any(map(_has_secret, structs)))
            return None
        tag = _plain(given.get(field))
        if isinstance(tag, str) and tag in tags:
            return self.struct(tags[tag], node, path)
        remedy = f"wanted one of the known types: {known}"
        self.fault(given.get(field), (*path, field), remedy, source=_source(node))
        return None

    def leaf(
        self, type_: Any, field: msgspec.structs.FieldInfo, node: object, path: Path
    ) -> object:
        """A value without parts of ours."""
        self.sources[path] = _source(node) or self.file
        candidates = [_plain(node)]
        if isinstance(node, Given) and node.text is not None:
            candidates.append(node.text)
        message = ""
        for candidate in candidates:
            try:
                return msgspec.convert(candidate, type_, dec_hook=_construct)
            except msgspec.ValidationError as error:
                message = message or str(error)
        remedy = f"{_wanted(type_, message)}, {_example(field)}"
        self.fault(node, path, remedy, secret=_is_secret(type_))
        return None


def _construct(type_: Any, value: object) -> object:
    return type_(value)


def _parts(node: object) -> object:
    """`node` without the mark of where it came from, which its parts have then."""
    if not isinstance(node, Given):
        return node
    given = node.value
    if isinstance(given, dict):
        return {key: Given(item, None, node.source) for key, item in given.items()}
    if isinstance(given, list):
        return [Given(item, None, node.source) for item in given]
    return given


def _plain(node: object) -> object:
    """`node` and its parts without these marks."""
    if isinstance(node, dict):
        return {key: _plain(item) for key, item in node.items()}
    return node.value if isinstance(node, Given) else node


def _source(node: object) -> str | None:
    """Where `node`, or the first part of it, was said; None: in the file."""
    if isinstance(node, dict):
        return next(filter(None, map(_source, node.values())), None)
    return node.source if isinstance(node, Given) else None


def _is_struct(type_: object) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _atoms(type_: object) -> set[object]:
    parts = get_args(type_)
    return {type_}.union(*(_atoms(part) for part in parts)) if parts else {type_}


def _is_secret(type_: object) -> bool:
    return any(isinstance(atom, type) and issubclass(atom, Secret) for atom in _atoms(type_))


def _has_secret(struct: type[msgspec.Struct]) -> bool:
    return any(_is_secret(field.type) for field in msgspec.structs.fields(struct))


def _wanted(type_: object, message: str) -> str:
    choices: list[str] = []
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    if get_origin(bare) is Literal:
        choices = [str(choice) for choice in get_args(bare)]
    if choices:
        return f"wanted one of {', '.join(choices)}"
    return message.partition(" - at `$")[0].replace("`", "").replace("Expected", "wanted")


def _example(field: msgspec.structs.FieldInfo) -> str:
    """`for example 2s; the default is 1s`."""
    metas = [part for part in get_args(field.type) if isinstance(part, msgspec.Meta)]
    examples = [example for meta in metas for example in meta.examples or ()]
    texts = [f"for example {written(examples[0])}"] if examples else []
    if not field.required:
        texts.append(f"the default is {written(shown(default_of(field)))}")
    return "; ".join(texts)


def written(value: object) -> str:
    """A value as it could stand in the file."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
