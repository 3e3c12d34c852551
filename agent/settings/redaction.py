"""The settings of redaction; the rest of the settings is in `agent.config`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from agent.settings.declaring import Text, doc
from agent.settings.selectors import JsonPath, Regex

ALWAYS = frozenset((b"authorization", b"proxy-authorization", b"cookie", b"set-cookie"))
"""Header fields that are never shown."""


class RedactRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is not to be shown: exactly one of path, column, header, pattern, built_in."""

    path: Annotated[
        JsonPath | None, doc("Values of a JSON body, by their place.", "$.user.name", "$..ssn")
    ] = None
    column: Annotated[
        Text | None,
        doc("A feature, a form field or a parameter of the query, by its name.", "ssn"),
    ] = None
    header: Annotated[Text | None, doc("A header field; or client.address.", "x-user")] = None
    pattern: Annotated[
        Regex | None, doc("Text of this form, wherever it stands.", "EMP-[0-9]{6}")
    ] = None
    built_in: Annotated[
        Literal["email", "card", "phone", "iban", "ip", "token"] | None,
        doc("A pattern that Outrider knows, to be hashed or kept.", "ip"),
    ] = None
    do: Annotated[
        Literal["replace", "hash", "keep"],
        doc(
            "replace: by REDACTED; hash: by a keyed hash, equal for equal values; keep: shown "
            "(only of what is built in).",
            "hash",
        ),
    ] = "replace"
    name: Annotated[
        Text | None, doc("In outrider_redactions_total; null: what it is for.", "employee")
    ] = None


class Redact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hidden in all that is shown, beside what always is."""

    key_file: Annotated[
        Text | None,
        doc("File with the key of hashes, 16 bytes at least; null: made anew at each start."),
    ] = None
    rules: Annotated[
        tuple[RedactRule, ...], doc("At most 64.", [{"path": "$..ssn", "do": "hash"}])
    ] = ()
