"""The cases of tests/corpus: payloads as documented or recorded, and what is to become of each."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from agent.exchange import Exchange
from tests.decode.test_registry import exchange

CORPUS = Path(__file__).parent.parent / "corpus"
TENSORS = "tritonclient 2.73.0, recorded: "
Case = dict[str, Any]


def cases(pattern: str) -> list[Case]:
    """Those of the files of this name."""
    files = sorted(CORPUS.glob(pattern))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def body_of(case: Case) -> bytes:
    """A request's bytes: a text in UTF-8 or in the encoding that is named, or base64."""
    encoding = case.get("encoding", "utf-8")
    return b64decode(case["body"]) if encoding == "base64" else case["body"].encode(encoding)


def exchange_of(case: Case) -> Exchange:
    """The exchange of a case of rows."""
    named = {"Content-Type": case["content_type"], **case.get("fields", {})}
    answered = case.get("answer_type", "")
    made = exchange(
        body_of(case),
        case.get("answer", "").encode(),
        target=case["target"].encode(),
        fields=[(name.encode(), value.encode()) for name, value in named.items() if value],
    )
    return made._replace(response_fields=[(b"Content-Type", answered.encode())] if answered else [])


def recorded(case: Case, response: bytes | None = None) -> Exchange:
    """The exchange of a case of a language model; `response`: in the place of what it answered."""
    came = case["response"]
    if response is None:
        response = came.encode() if isinstance(came, str) else json.dumps(came).encode()
    made = exchange(case["request"], response, target=case["target"].encode())
    named = [(name.encode(), value.encode()) for name, value in case["fields"].items()]
    return made._replace(
        request_fields=[*made.request_fields, *named],
        response_fields=[(b"Content-Type", case["response_type"].encode())],
    )


def on_the_wire() -> list[tuple[Case, Exchange]]:
    """The requests of tensors/, head and body as they came."""
    found = []
    for file in sorted((CORPUS / "tensors").glob("*.http")):
        head, _, body = file.read_bytes().partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        if not first.startswith(b"POST "):
            continue  # an answer
        fields = [(k, v.strip()) for k, _, v in (line.partition(b":") for line in lines)]
        case = {"source": TENSORS + file.stem, "dialect": "kserve_v2"}
        found.append((case, exchange(body, target=first.split()[1], fields=fields)))
    return found


def everything() -> list[tuple[Case, Exchange]]:
    """All cases with their exchanges."""
    rows = [(case, exchange_of(case)) for case in cases("rows*.jsonl")]
    return rows + [(case, recorded(case)) for case in cases("llm*.jsonl")] + on_the_wire()
