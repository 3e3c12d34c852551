"""`outrider decode`: tells what a payload becomes, and why.

Rule: takes parsed arguments and returns an exit status: 0 decoded, 1 not understood, 2 with one
line on standard error that says what to do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from agent.decode.explain import explained
from agent.decode.rules.routes import Routes, routes_of
from agent.exchange import ABSENT, Exchange, Fields
from agent.settings.loading import load

MAX_LINES = 24
"""Columns of a side that are told without --json."""
_CAPTURED = 1 << 20
"""Bytes: the default of capture.max_body_bytes."""
_WIDTH = 11


def decode(args: argparse.Namespace) -> int:
    """`decode FILE [--path P] [--content-type T] [--header 'N: v'] [--answer FILE] …`."""
    try:
        if args.file == args.answer == "-":
            raise ValueError("only one of them can be standard input")
        routes = routes_of(load(args.config, os.environ)) if args.config else Routes()
        found = explained(_exchange(args), args.answer is not None, routes)
    except (OSError, ValueError) as error:
        told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        print(f"outrider decode: {told}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(lines(found)))
    return 0 if found["outcome"] == "ok" else 1


def _exchange(args: argparse.Namespace) -> Exchange:
    """What the observer would get of them. Raises OSError, ValueError."""
    asked = _fields(args.header, args.content_type)
    answered = _fields(args.answer_header, None)
    request = _read(args.file)
    response = _read(args.answer) if args.answer is not None else b""
    return Exchange(
        start_ns=0, request_id=b"", method=b"POST", target=args.path.encode(), version="1.1",
        route="", model="", status=200, error="", duration=0.0, sent=0.0, connect=ABSENT,
        upstream=0.0, stream=0.0, overhead=0.0, request_size=len(request),
        response_size=len(response), pieces=1, largest_gap=0.0, first_piece=0.0, streamed=False,
        client="", upstream_reused=False, resent=False, upgrade="", trace=None,
        request_fields=asked, response_fields=answered, capture="full",
        request_body=(request, b"", 0), response_body=(response, b"", 0),
    )  # fmt: skip


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _fields(headers: list[str], content_type: str | None) -> Fields:
    fields = [(b"content-type", content_type.encode())] if content_type else []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"{header!r} is no header: wanted 'Name: value'")
        fields.append((name.strip().encode(), value.strip().encode()))
    return fields


def lines(found: dict[str, Any]) -> list[str]:
    """For people; nothing in it can move a terminal's cursor."""
    told = [_line("outcome", found["outcome"] + (f": {found['why']}" if found["why"] else ""))]
    if found["remedy"]:
        told.append(_line("", found["remedy"]))
    told.append(_line("dialect", found["dialect"] + _behind(found["evidence"])))
    if found["said_no"]:
        told.append(_line("", f"asked before, and no: {', '.join(found['said_no'])}"))
    told.append(_line("request", _body(found["request"])))
    if found["answer"] is not None:
        told.append(_line("answer", _body(found["answer"])))
    told += [_line("value", _counted(value)) for value in found["values"]]
    if found["inputs"] is None:
        return told
    version = f", version {_plain(found['version'])}" if found["version"] else ""
    told.append(_line("model", (_plain(found["model"]) or "not named") + version))
    if found["id"]:
        told.append(_line("id", _plain(found["id"])))
    for side in ("inputs", "outputs"):
        if found[side] is not None:
            told += _side(side, found[side])
    if found["answer"] is None:
        told.append(_line("outputs", "no answer was given: --answer FILE"))
    told += [_line("not found", f"{name}: {why}") for name, why in found["not_found"].items()]
    if found["values_left_out"]:
        text = f"{found['values_left_out']} values over the bounds: docs/formats.md has them"
        told.append(_line("left out", text))
    return told


def _line(name: str, text: str) -> str:
    return f"{name:{_WIDTH}}{text}"


def _behind(text: str) -> str:
    return f": {_plain(text)}" if text else ""


def _body(sent: dict[str, Any]) -> str:
    text = f"{sent['bytes']} bytes, {_plain(sent['media_type']) or 'no content type'}"
    for n, coding in enumerate(sent["codings"]):
        text += f", {coding} undone" if not n else f", then {coding}"
    if sent["codings"]:
        text += f": {sent['bytes_decoded']} bytes"
    if sent["bytes"] > _CAPTURED:
        text += "; captured only if capture.max_body_bytes is more than its default of 1MiB"
    return text


def _counted(value: dict[str, Any]) -> str:
    counts = [f"{value[key]} {key}" for key in ("true", "false", "numbers") if key in value]
    if "sum" in value:
        counts[-1] = f"{_count(value['numbers'], 'number')}, sum {value['sum']:.6g}"
    if "missing" in value:
        counts.append(f"{value['missing']} missing: {value['why']}")
    return f"{value['name']}: {', '.join(counts)}"


def _side(name: str, side: dict[str, Any]) -> list[str]:
    rows, columns = side["rows"], side["columns"]
    text = f"{_count(rows, 'row')} of {_count(len(columns), 'column')}"
    told = [_line(name, text)]
    width = min(40, max((len(_plain(c["name"])) for c in columns[:MAX_LINES]), default=0))
    for column in columns[:MAX_LINES]:
        values = ", ".join(map(_value, column["first"]))
        more = ", …" if rows > len(column["first"]) else ""
        told.append(f"  {_plain(column['name']):{width}}  {column['kind']:9} {values}{more}")
    if len(columns) > MAX_LINES:
        told.append(f"  … and {len(columns) - MAX_LINES} more: --json has them")
    return told


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())


def _plain(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
