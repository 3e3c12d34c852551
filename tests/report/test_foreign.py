"""What answers at --admin may be anything: an older sidecar, another program, or hostile."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.client import Unreachable
from agent.report.cli import FORMS
from agent.report.live import live_report

DRIFT: dict[str, Any] = {
    "models": [
        {
            "model": "m", "version": "", "phase": "watching", "reason": "", "state": "drift",
            "reference": {"hash": "0123abcd", "rows": 10, "source": "given", "version": ""},
            "performance": {"accuracy": 0.912, "low": 0.9, "high": 0.925, "reference": 0.95,
                            "is_calibrated": False, "rows": 100},
            "windows_judged": 3, "caveats": ["beware"], "unexpected": [], "derived": [],
            "columns": [
                {
                    "name": "age", "side": "input", "kind": "numeric", "hashed": False,
                    "state": "drift", "since": 1.8e9, "acknowledged": None, "finding": "",
                    "examples": [{"request_id": "r", "trace_id": None, "bin": "(0, 1]"}],
                    "test": "location", "direction": "up", "effect": 1.0, "score": 9.0,
                    "threshold": 6.0, "p_value": 1e-9, "rows": 100, "missing": 0.0, "invalid": 0.0,
                }
            ],
        }
    ],
    "caveats": [],
}  # fmt: skip
STATUS: dict[str, Any] = {
    "uptime_seconds": 5.0,
    "requests": {"total": 3, "by_status": {"200": 3}},
    "records": {"dropped": {"worker_full": 0}},
    "quality": {"findings": []},
    "sinks": [],
    "caveats": [],
}
SHARES = {"reference": 0.0, "now": 0.1}
LEVELS = {"p05": 0.0, "p25": 0.1, "p50": 0.2, "p75": 0.3, "p95": 0.4, "beyond": []}
COLUMN: dict[str, Any] = {
    "bins": [
        {
            "bin": f"({n}, {n + 1}]", "low": float(n), "high": n + 1.0, "category": None,
            "kind": "range", "reference": 0.1, "now": 0.1, "reference_rows": 1, "now_rows": 1,
            "moved": 1,
        }
        for n in range(8)
    ],
    "rows": 10, "now_rows": 10, "now_of": "last window", "measure": "",
    "missing": SHARES, "invalid": SHARES, "quantiles": {"reference": LEVELS, "now": LEVELS},
}  # fmt: skip
SPAN = {"seconds": 60.0, "requests": 3, "rate": 0.1, "error_ratio": None, "p99_ms": 3.0}
PAGES: dict[str, Any] = {
    "drift": DRIFT,
    "status": STATUS,
    "drift/column": COLUMN,
    "predictions": {
        "outputs": [
            {
                "model": "m", "version": "", "output": "score", "kind": "value", "rows": 3,
                "mean": 0.5, "of": "window",
                "bins": [{"low": 0.0, "high": 1.0, "now": 1.0, "reference": 1.0}],
            }
        ]
    },
    "overview": {
        "now": SPAN, "day": SPAN, "load": {"concurrency": 1.0},
        "routes": [{"route": "/", "model": None, "requests": 3, "error_ratio": 0.0, "p50_ms": 1.0}],
    },
    "history": {
        "from": 1.8e9, "step_seconds": 60,
        "drift": [{"model": "m", "version": "", "side": "input", "name": "age",
                   "ratio": [None, 0.5, 1.5, 1.5]}],
        "events": [{"at": 1.8e9, "kind": "drift", "text": "it drifts"}],
    },
    "reference": {"period": {"ended": 1.7e9}},
}  # fmt: skip
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just([])
    | st.just({})
)


class Fake:
    """A sidecar that has these pages."""

    url = "http://127.0.0.1:1"

    def __init__(self, **pages: Any) -> None:
        self.pages = {f"/api/v1/{name}": page for name, page in pages.items()}

    def json(self, path: str, query: object = None) -> Any:
        return deepcopy(self.pages.get(path))


def test_an_older_sidecar_gives_what_it_has() -> None:
    made = live_report(Fake(drift=DRIFT, status=STATUS), 1.8e9, "Outrider")  # type: ignore[arg-type]
    [column] = made.columns()
    assert (column.name, column.picture, column.past) == ("age", None, None)
    assert made.traffic is not None
    assert made.traffic.spans == {}
    for form in FORMS.values():
        assert "age" in form(made)
    assert "3 requests" in FORMS["markdown"](made)


def test_a_column_without_a_verdict_yet_is_not_judged() -> None:
    drift = deepcopy(DRIFT)
    [column] = drift["models"][0]["columns"]
    column |= dict.fromkeys(("since", "missing", "invalid", "rows", "test", "direction", "effect"))
    column |= dict.fromkeys(("score", "threshold", "p_value", "share", "psi"))
    column |= {"state": "insufficient", "examples": []}
    made = live_report(Fake(**PAGES | {"drift": drift}), 1.8e9, "Outrider")  # type: ignore[arg-type]
    for form in FORMS.values():
        assert "age" in form(made) or form is FORMS["markdown"]


def test_all_that_a_sidecar_tells_is_in_the_report() -> None:
    made = live_report(Fake(**PAGES), 1.8e9, "Outrider")  # type: ignore[arg-type]
    [column] = made.columns()
    assert column.picture is not None
    assert column.past is not None
    page = FORMS["html"](made)
    for told in (
        "score",
        "it drifts",
        'label="Routes"',
        'class="hist"',
        'class="past"',
        "at once",
        "about 91.2%",
    ):
        assert told in page


@pytest.mark.parametrize(
    "page", [None, [], {}, {"models": [{}]}, {"models": [7]}, {"models": 7}, 7]
)
def test_what_is_no_sidecar_is_told(page: Any) -> None:
    with pytest.raises(Unreachable):
        live_report(Fake(drift=page, status=STATUS), 1.8e9, "Outrider")  # type: ignore[arg-type]


@given(st.data())
def test_one_wrong_value_anywhere_is_told_or_shown(data: st.DataObject) -> None:
    pages = deepcopy(PAGES)
    at: Any = pages[data.draw(st.sampled_from(sorted(pages)))]
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        below = at[key]
        if not isinstance(below, dict | list) or not below or data.draw(st.booleans()):
            at[key] = data.draw(ANY)
            break
        at = below
    try:
        made = live_report(Fake(**pages), 1.8e9, "Outrider")  # type: ignore[arg-type]
        texts = {name: form(made) for name, form in FORMS.items()}
    except Unreachable:
        return
    json.loads(texts["json"])


HOSTILE = "<= `x`|<img src=//evil>\n[a](http://evil) @all \x1b[2J\x00\u2028</script>"


def _spoilt(value: Any) -> Any:
    """Each text of it hostile, but what the report knows a column by."""
    if isinstance(value, dict):
        kept = ("state", "kind", "side", "since", "by_status")
        return {k: v if k in kept else _spoilt(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_spoilt(one) for one in value]
    return HOSTILE if isinstance(value, str) else value


def test_whatever_text_of_a_sidecar_is_hostile_no_form_breaks() -> None:
    finding = {
        "model": "m", "version": "", "finding": "constant", "active": True, "where": "score",
        "since": "2026-01-01T00:00:00Z", "requests": 3, "share": 0.5, "example": "r",
        "means": "it says the same", "do": "look",
    }  # fmt: skip
    pages = deepcopy(PAGES)
    pages["status"]["quality"]["findings"] = [finding]
    pages["status"]["sinks"] = [{"name": "s", "away": "gone"}]
    made = live_report(Fake(**_spoilt(pages)), 1.8e9, "Outrider")  # type: ignore[arg-type]
    texts = {name: form(made) for name, form in FORMS.items()}
    for text in texts.values():
        assert all(line.isprintable() for line in text.split("\n"))
    ElementTree.fromstring(texts["junit"])
    assert not [tag for tag in ("<img", "</script") if tag in texts["html"]]
    lines = texts["markdown"].splitlines()
    outside = "".join("".join(line.split("`")[::2]) for line in lines)
    assert not [sign for sign in ("<img", "](", "@all", "evil") if sign in outside]
