"""A real sidecar asks a real server, and columns and versions are called as it says."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import save
from agent.drift.rows.batch import Batch
from tests.harness import Outrider, eventually, get
from tests.names.server import ModelServer, openapi, status_of, tensors

LEARNS = {"drift": {"reference": {"learn": {"rows": 100}}}}
ASKING = {"metadata": {"timeout": "30s"}, **LEARNS}
"""A busy machine may be slow to answer."""
ROWS = [[float(n), float(n % 7)] for n in range(100)]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer({}).serving() as server:
        yield server


def send(proxy: Outrider, path: str, document: Any = None) -> None:
    body = document if document is not None else {"instances": ROWS}
    client = http.client.HTTPConnection(*proxy.address)
    client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = client.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    client.close()


def models(proxy: Outrider) -> dict[tuple[str, str], dict[str, Any]]:
    found = get(proxy.admin, "/api/v1/drift").json()["models"]
    return {(model["model"], model["version"]): model for model in found}


def inputs(proxy: Outrider, model: str, version: str = "") -> set[str]:
    """Of what the model learned."""

    def learned() -> dict[str, Any] | None:
        found = models(proxy).get((model, version))
        return found if found and found["phase"] == "watching" else None

    found = eventually(learned, f"{model} {version} to have learned, in {models(proxy)}")
    return {column["name"] for column in found["columns"] if column["side"] == "input"}


def asked(proxy: Outrider, model: str) -> dict[str, Any]:
    found = get(proxy.admin, "/api/v1/status").json()["names"]
    return next(item for item in found if item["model"] == model)


def test_names_and_versions_are_those_that_the_server_tells(start, server) -> None:
    server.pages = {
        "/v2/models/iris": {"versions": ["4"], "inputs": tensors("x", columns=["petal", "sepal"])},
        "/v1/models/churn": status_of({"1": "END", "2": "AVAILABLE"}),
        "/openapi.json": openapi("/score", ["Age", "Income"]),
    }
    proxy = start(server.url, ASKING)
    tensor = {"name": "x", "datatype": "FP64", "shape": [100, 2], "data": [*chain(*ROWS)]}
    send(proxy, "/v2/models/iris/infer", {"inputs": [tensor]})
    send(proxy, "/v1/models/churn:predict")
    send(proxy, "/score", ROWS)
    assert inputs(proxy, "iris", "4") == {"petal", "sepal"}
    assert inputs(proxy, "churn", "2") == {"instances-0", "instances-1"}
    assert inputs(proxy, "") == {"Age", "Income"}
    told = asked(proxy, "iris")
    assert told["asked"]["evidence"] == "GET /v2/models/iris"
    assert told["asked"]["version"] == "4"
    [column] = told["columns"]
    assert (column["side"], column["from"], column["count"]) == ("input", "server", 2)
    assert column["evidence"] == "GET /v2/models/iris"
    assert server.heads["/v2/models/iris"]["user-agent"] == f"outrider/{__version__}"
    assert server.asked["/v2/models/iris"] == 1
    counted = get(proxy.admin, "/api/v1/status").json()["requests"]
    assert counted["total"] == 3, "asks are no traffic"


def html(handler: BaseHTTPRequestHandler) -> None:
    handler.reply(200, b"<html>no</html>")  # type: ignore[attr-defined]


def broken(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def huge(handler: BaseHTTPRequestHandler) -> None:
    handler.reply(200, b'{"versions": ["1"], "x": "' + b"x" * (2 << 20) + b'"}')  # type: ignore[attr-defined]


def moved(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/v1/models/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


HOSTILE = {
    "html": html,
    "huge": huge,
    "moved": moved,
    "deep": b"[" * 100_000,
    "wrong": {"model_version_status": [{"version": ["x"], "state": "AVAILABLE"}]},
    "gone": None,
}


def test_hostile_answers_cost_names_and_nothing_else(start, server) -> None:
    server.pages = {
        f"/v1/models/{name}": page for name, page in HOSTILE.items() if page is not None
    }
    server.pages["/v1/models/elsewhere"] = status_of({"9": "AVAILABLE"})
    proxy = start(server.url, ASKING)
    for name in HOSTILE:
        send(proxy, f"/v1/models/{name}:predict")
    for name in HOSTILE:
        assert inputs(proxy, name) == {"instances-0", "instances-1"}
        assert server.asked[f"/v1/models/{name}"] == 1, "it is not asked again"
    assert server.asked["/v1/models/elsewhere"] == 0, "no redirect is followed"
    assert asked(proxy, "gone")["asked"]["outcome"] == "status 404"
    assert "1048576 bytes" in asked(proxy, "huge")["asked"]["outcome"]


def test_a_server_that_does_not_answer_holds_rows_for_a_bounded_time(start, server) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        server.over.wait()
        broken(handler)

    server.pages = {"/v1/models/slow": slow}
    proxy = start(server.url, {"metadata": {"timeout": "1s"}, **LEARNS})
    send(proxy, "/v1/models/slow:predict")
    eventually(lambda: server.asked["/v1/models/slow"], "the question")
    assert asked(proxy, "slow")["asked"]["rows_waiting"] == 100
    assert inputs(proxy, "slow") == {"instances-0", "instances-1"}
    assert "no answer" in asked(proxy, "slow")["asked"]["outcome"]


def test_personal_data_in_names_is_not_shown(start, server) -> None:
    columns = ["ann@example.com", "age"]
    server.pages = {
        "/v2/models/m": {"versions": ["bob@example.com"], "inputs": tensors("x", columns=columns)}
    }
    proxy = start(server.url, ASKING)
    tensor = {"name": "x", "datatype": "FP64", "shape": [100, 2], "data": [*chain(*ROWS)]}
    send(proxy, "/v2/models/m/infer", {"inputs": [tensor]})
    eventually(lambda: any(m["phase"] == "watching" for m in models(proxy).values()), "a reference")
    shown = b"".join(
        get(proxy.admin, page).body for page in ("/api/v1/status", "/api/v1/drift", "/metrics")
    )
    assert b"@example.com" not in shown
    assert b'"age"' in shown


def test_the_reference_names_what_comes_without(start, server, tmp_path: Path) -> None:
    data = {"petal": [r[0] for r in ROWS], "kind": [r[1] for r in ROWS], "p": [0.5] * 100}
    columns = {"kind": data["kind"], "petal": data["petal"], "p": data["p"]}
    profile = build_profile(lambda: iter([Batch(columns, 100)]), outputs=["p"])
    save(profile, tmp_path / "reference.json")
    drift = {"reference": str(tmp_path / "reference.json"), "window": {"rows": 100}}
    proxy = start(server.url, {"drift": drift})
    send(proxy, "/v1/models/m:predict")

    def judged() -> dict[str, Any] | None:
        found = models(proxy).get(("m", ""))
        return found if found and found["windows_judged"] else None

    found = eventually(judged, "a window")
    assert found["unexpected"] == []
    assert [c["finding"] for c in found["columns"] if c["side"] == "input"] == ["", ""]
    told = asked(proxy, "m")
    assert told["asked"] is None
    assert told["columns"][0]["from"] == "reference"
    assert not server.asked, "asking is off"
