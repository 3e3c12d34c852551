"""`outrider decode` says what the observer would make of a payload, and how to mend it."""

from __future__ import annotations

import gzip
import io
import json
import sys

import pytest

from agent import cli

V2 = {
    "id": "7",
    "inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2.5], [3, 4]]}],
}


@pytest.fixture
def decode(tmp_path, capsys):
    def run(body, *args, answer=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        (tmp_path / "request").write_bytes(raw)
        more = []
        if answer is not None:
            (tmp_path / "answer").write_text(json.dumps(answer))
            more = ["--answer", str(tmp_path / "answer")]
        status = cli.main(["decode", str(tmp_path / "request"), *args, *more])
        return status, *capsys.readouterr()

    return run


def test_what_it_becomes_and_why(decode):
    answer = {"model_name": "iris", "outputs": [
        {"name": "y", "shape": [2], "datatype": "INT64", "data": [0, 1]}]}  # fmt: skip
    path = "/v2/models/iris/versions/3/infer"
    status, out, err = decode(V2, "--path", path, answer=answer)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["outcome", "ok"]
    assert "kserve_v2: inputs are tensors with datatype and shape" in out
    assert "iris, version 3" in out
    assert "2 rows of 2 columns" in out
    assert "x-1  number    2.5, 4" in out
    assert "2 rows of 1 column" in out


def test_json_has_all_of_it(decode):
    body = gzip.compress(
        json.dumps({"instances": [{"age": 39, "plan": "a"}, {"age": None}]}).encode()
    )
    status, out, _ = decode(body, "--json", "--content-type", "application/json")
    found = json.loads(out)
    assert status == 0
    assert (found["outcome"], found["dialect"], found["evidence"]) == (
        "ok", "kserve_v1", "a list of instances",
    )  # fmt: skip
    assert "kserve_v2" in found["said_no"]
    assert found["request"]["codings"] == ["gzip"]
    assert found["request"]["media_type"] == "application/json"
    assert found["inputs"]["rows"] == 2
    assert found["inputs"]["columns"][0] == {"name": "age", "kind": "number", "first": [39, None]}
    assert found["answer"] is None
    assert found["outputs"] is None


@pytest.mark.parametrize(
    ("body", "args", "outcome", "told"),
    [
        (b'{"instances": [1', [], "malformed", "not JSON"),
        (b"", [], "empty", "no body"),
        (b'{"instances": []}', [], "empty", "no rows"),
        (b"x", ["--header", "Content-Encoding: compress"], "unsupported", "coding other than"),
        (gzip.compress(b"0" * (5 << 20)), [], "too_large", "more than 4 MiB"),
        (b"[" * 100_000, [], "too_large", "too deep"),
        (b"\x00\x01\x02\xff" * 9, ["--content-type", "image/x"], "unsupported", "docs/formats.md"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_with_its_remedy(decode, body, args, outcome, told):
    status, out, _ = decode(body, *args)
    assert status == 1
    assert out.startswith(f"outcome    {outcome}")
    assert told in out
    assert len(out.splitlines()[1]) > 40  # the remedy


def test_an_answer_that_is_not_understood_is_not_decoded(decode):
    status, out, _ = decode({"instances": [1]}, answer={"error": "x"})
    assert status == 1
    assert "inputs_only: the answer" in out
    assert "1 row of 1 column" in out


def test_settings_of_a_route_count(decode, tmp_path):
    config = tmp_path / "outrider.yaml"
    config.write_text(
        "routes: [{path: /score, columns: [age, income], version: '7', dialect: tabular}]"
    )
    body = {"instances": [[39, 5e4]]}
    _, out, _ = decode(body, "--path", "/score", "--config", str(config), "--json")
    found = json.loads(out)
    assert (found["dialect"], found["version"], found["said_no"]) == ("tabular", "7", [])
    assert [column["name"] for column in found["inputs"]["columns"]] == ["age", "income"]
    assert decode(body, "--config", str(tmp_path / "none.yaml"))[0] == 2


def test_standard_input(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}')))
    assert cli.main(["decode", "-"]) == 0
    assert "tabular" in capsys.readouterr().out


def test_nothing_of_a_client_moves_the_cursor(decode):
    status, out, _ = decode({"\x1b[2Ja\u202e": "\x1b[31m\u202e", "b": float("nan")})
    assert status == 0
    assert out.replace("\n", "").isprintable()


def test_wide_ones_are_shortened_and_said_so(decode):
    _, out, _ = decode({"instances": [{f"c{n}": n for n in range(1200)}]})
    assert "more: --json has them" in out
    assert "200 values over the bounds" in out
    assert len(out.splitlines()) < 40


@pytest.mark.parametrize(
    "args", [["/nowhere/at/all"], ["-", "--answer", "-"], ["-", "--header", "no colon"]]
)
def test_wrong_usage_is_one_line_and_status_2(args, capsys):
    assert cli.main(["decode", *args]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


RULES = """
routes:
  - path: /{+rest}
    names: {x-0: age}
    extra: {tier: request $.user.tier, country: header x-country, node: $.node}
    ignore: [request $.user, x-1]
    values: {ok: output y > 0.5, amount: request $.amount, gone: $.decision == "no"}
"""


def test_values_and_extra_columns_and_why_one_is_missing(decode, tmp_path):
    (tmp_path / "outrider.yaml").write_text(RULES)
    more = ["--config", str(tmp_path / "outrider.yaml"), "--path", "/v2/models/m/infer"]
    asked = {**V2, "amount": 12.5, "user": {"tier": "gold"}}
    answer = {"outputs": [{"name": "y", "shape": [2], "datatype": "FP32", "data": [0.4, 0.9]}]}
    status, out, _ = decode(asked, *more, answer=answer)
    assert status == 0
    assert "value      ok: 1 true, 1 false\n" in out
    assert "value      amount: 1 number, sum 12.5\n" in out
    assert "value      gone: 1 missing: nothing is at its place\n" in out
    assert "not found  country: nothing is at its place\n" in out
    assert "not found  node: nothing is at its place\n" in out
    status, out, _ = decode(asked, *more, "--json")
    found = json.loads(out)
    assert [column["name"] for column in found["inputs"]["columns"]] == ["age", "tier", "country"]
    assert found["not_found"]["node"] == "no answer was given: --answer FILE"
    ok, amount, gone = found["values"]
    assert amount == {"name": "amount", "numbers": 1, "sum": 12.5}
    assert (ok["missing"], ok["why"]) == (1, "no answer was given: --answer FILE")
    assert gone["why"] == ok["why"]
