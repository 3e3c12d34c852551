"""MLflow's signature names columns."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Config
from agent.decode.payload import Payload
from agent.decode.rules.routes import routes_of
from agent.settings.building import ConfigError
from agent.settings.loading import load
from agent.settings.signatures import MAX_FILE, Signature, parsed, signature

COLUMNS = [{"type": "double", "name": "age", "required": True}, {"type": "long", "name": "income"}]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]


def mlmodel(inputs: object = COLUMNS, outputs: object = TENSOR) -> str:
    """As MLflow 3 writes it, less what is not read."""
    return (
        "mlflow_version: 3.17.2\nutc_time_created: '2026-11-29 07:50:09.901707'\n"
        f"signature:\n  inputs: '{json.dumps(inputs)}'\n  outputs: '{json.dumps(outputs)}'\n"
        "  params: null\n"
    )


def settings(folder: Path, signature: str, more: str = "") -> Config:
    file = folder / "outrider.yaml"
    file.write_text(f"routes: [{{path: /invocations, signature: '{signature}'{more}}}]")
    return load(str(file))


def test_a_route_has_the_names_of_the_file(tmp_path: Path):
    (tmp_path / "MLmodel").write_text(mlmodel())
    assert signature(str(tmp_path)) == signature(str(tmp_path / "MLmodel"))
    columns = {"inputs-0": (1,), "inputs-1": (2,)}
    came = Payload("", "", "", columns, {"predictions": (1,)}, 1, 1, 0)
    named = routes_of(settings(tmp_path, str(tmp_path))).complete(came, b"/invocations")
    assert ([*named.inputs], [*named.outputs]) == (["age", "income"], ["predictions"])
    said = settings(tmp_path, str(tmp_path), ", columns: [x, y]")
    assert [*routes_of(said).complete(came, b"/invocations").inputs] == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("", "has no signature"),
        ("a: [", "is no MLmodel file"),
        ("signature: 3", "has no signature"),
        ("signature: {inputs: 'no json'}", "is no MLmodel file"),
        (mlmodel(TENSOR), "names no columns"),
        (mlmodel([*COLUMNS, *COLUMNS]), "names no columns"),
        (mlmodel([{"name": ""}]), "names no columns"),
        ("x: " + "y" * MAX_FILE, "longer than"),
        ("[" * 5000, "is no MLmodel file"),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_a_bad_file_ends_the_start_with_a_word(tmp_path: Path, text, words):
    file = tmp_path / "MLmodel"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=words) as found:
        settings(tmp_path, str(file))
    assert "routes[0].signature" in str(found.value)


@given(st.text(max_size=200) | st.binary(max_size=100))
def test_any_bytes_are_a_signature_or_a_value_error(raw):
    with suppress(ValueError):
        assert isinstance(parsed(raw if isinstance(raw, bytes) else raw.encode()), Signature)
