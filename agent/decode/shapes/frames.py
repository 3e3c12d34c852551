"""Tables in JSON: names beside rows, pandas' orientations, and whichever key they stand under.

| form | who writes it |
|---|---|
| `columns` and `data` | pandas' split: MLflow, Azure ML's `input_data`, BentoML |
| `fields` and `rows`, `values` or `score` | H2O MLOps, watsonx.ai |
| `ColumnNames` and `Values` | Azure ML Studio |
| `feature_names` and `data` | written by hand, after scikit-learn's data sets |
| `schema` with `fields`, and `rows` | MLeap |
| `{"a": {"0": 1, "1": 2}, "b": …}` | pandas' columns, the default of `to_json` |
| `{"0": {"a": 1}, "1": {"a": 2}}` | pandas' index |
"""

from __future__ import annotations

from agent.decode.payload import Side, from_columns, from_rows, from_table

MAX_WRAPPED = 3
"""Objects around a table."""
_SPLIT = "columns"
_NAMES = (_SPLIT, "fields", "feature_names", "column_names", "ColumnNames", "schema")
_ROWS = ("data", "rows", "values", "Values", "score")
_named = frozenset(_NAMES)


def is_list_of(value: object, kind: type | tuple[type, ...]) -> bool:
    """Whether it is a list that begins with such a value."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], kind)


def table(document: dict[str, object]) -> Side | None:
    """The columns of an object with a list of names and one of rows that are lists; or None."""
    for key in _ROWS:
        rows = document.get(key)
        if isinstance(rows, list) and is_list_of(rows, list):
            break
    else:
        return None
    for key in _NAMES:
        names = _texts(document.get(key))
        # What `columns` says is believed; of the others a row must have as many values.
        if names and (key == _SPLIT or len(names) == len(rows[0])):
            return from_table(names, rows)
    return None


def may_hold(raw: bytes) -> bool:
    """Whether it is worth to look for a table in these bytes: most objects in objects have none."""
    return b"olumn" in raw or b"fields" in raw or b"feature_names" in raw or b"schema" in raw


def held(document: dict[str, object]) -> Side | None:
    """The first table in an object, or in one that it holds, whatever stands beside it; or None."""
    level = [document]
    for _ in range(MAX_WRAPPED + 1):
        below: list[dict[str, object]] = []
        for one in level:
            found = None if _named.isdisjoint(one) else table(one)
            if found is not None:
                return found
            for value in one.values():
                if type(value) is dict:
                    below.append(value)
                elif type(value) is list and len(value) == 1 and type(value[0]) is dict:
                    below.append(value[0])
        if not below:
            break
        level = below
    return None


def sole(document: dict[str, object]) -> Side | None:
    """The table in an object, or in the one object or list that it has, and so on; or None.

    Narrower than `held`: an answer may repeat its request beside what it says.
    """
    for _ in range(MAX_WRAPPED + 1):
        found = None if _named.isdisjoint(document) else table(document)
        if found is not None:
            return found
        nested = [value for value in document.values() if isinstance(value, (dict, list))]
        inner = _alone(nested[0]) if len(nested) == 1 else None
        if inner is None:
            return None
        document = inner
    return None


def oriented(document: dict[str, object]) -> Side | None:
    """The columns of a data frame in pandas' columns or index orientation; or None.

    Rows are told by numbers, from 0 on. One column alone is none: `{"p": {"0": 0.2, "1": 0.8}}` is
    likelier one row.
    """
    first = next(iter(document.values()), None)
    if type(first) is not dict or ("0" not in document and "0" not in first):
        return None
    parts = [part for part in document.values() if isinstance(part, dict)]
    if len(parts) != len(document):
        return None
    if _is_numbered(document):
        return from_rows(parts, "")
    rows = len(first)
    if len(parts) > 1 and all(_is_numbered(part) and len(part) == rows for part in parts):
        lists = [[*part.values()] for part in parts]
        return from_columns(dict(zip(document, lists, strict=True)))
    return None


def _is_numbered(document: dict[str, object]) -> bool:
    return all(key == str(place) for place, key in enumerate(document))


def _alone(value: object) -> dict[str, object] | None:
    """An object, also if it is the only one of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else None


def _texts(value: object) -> list[str]:
    """Names: a list of texts, or of objects that have a name; empty if it is neither."""
    if isinstance(value, dict):
        value = value.get("fields")
    if not isinstance(value, list):
        return []
    names = [one.get("name") if isinstance(one, dict) else one for one in value]
    return names if set(map(type, names)) == {str} else []  # type: ignore[return-value]
