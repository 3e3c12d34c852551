"""What the status says of payloads: per route, bounded, and without values."""

from __future__ import annotations

import msgspec

from agent.observer.decodes import MAX_KINDS, OTHER, Decodes
from tests.observer.outlets import Run, batch, body, usual


def test_each_route_has_its_dialects_their_evidence_and_what_was_not_decoded():
    run = Run()
    plain = usual(b"5")._replace(route="/score", request_body=body([{"a": 1}]))
    run.handle(batch(b"1", b"2", b"3", b"4"))
    run.handle(
        [usual(b"6")._replace(response_body=(b"?", b"", 0)), usual(b"7")._replace(status=500)]
    )
    run.handle([plain, plain._replace(capture="unsampled")])
    [second, first] = run.pipeline.decoded.status()
    assert first["route"] == usual(b"1").route
    assert first["dialects"] == [
        {
            "dialect": "kserve_v1",
            "evidence": "a list of instances",
            "requests": 5,
            "outcomes": {"ok": 4, "inputs_only": 1},
        }
    ]
    assert first["not_decoded"] == {"error_status": 1}
    assert first["last_refused"]["outcome"] == "inputs_only"
    assert first["last_refused"]["why"].startswith("the answer: ")
    assert second["route"] == "/score"
    assert [chosen["dialect"] for chosen in second["dialects"]] == ["tabular"]
    assert second["not_decoded"] == {"not_captured_unsampled": 1}
    assert second["last_refused"] is None


def test_the_last_refused_payload_is_told_by_its_shape_and_never_by_its_values():
    run = Run()
    asked = b'{"customer": "S3CRET", "amount": [1, 2'
    fields = [(b"Content-Type", b"application/json; charset=utf-8")]
    refused = usual(b"1")._replace(
        request_body=(asked, b"", 0), request_size=len(asked), request_fields=fields
    )
    run.handle([refused])
    [found] = run.pipeline.decoded.status()
    shape = found["last_refused"]
    assert shape["media_type"] == "application/json"
    assert (shape["bytes"], shape["first_keys"]) == (len(asked), ["customer", "amount"])
    assert (shape["outcome"], shape["dialect"]) == ("malformed", "none")
    assert b"S3CRET" not in msgspec.json.encode(found)
    assert found["not_decoded"] == {"malformed": 1}


def test_a_head_that_says_what_it_should_not_is_not_told():
    run = Run()
    fields = [(b"Content-Type", b"my secret"), (b"Content-Encoding", b"gzip, secret")]
    run.handle([usual(b"1")._replace(request_body=(b"x", b"", 0), request_fields=fields)])
    [found] = run.pipeline.decoded.status()
    assert found["last_refused"]["media_type"] == "…"
    assert found["last_refused"]["codings"] == ["gzip", "…"]
    assert b"ecret" not in msgspec.json.encode(found)


def test_it_is_bounded_whatever_the_evidence():
    decodes = Decodes()
    for n in range(3 * MAX_KINDS):
        decodes.add(("/", "tabular", "ok", f"evidence {n}"), 2)
    assert decodes.totals() == {("tabular", "ok"): 6 * MAX_KINDS}
    [route] = decodes.status()
    assert len(route["dialects"]) == MAX_KINDS + 1
    assert route["dialects"][0]["evidence"] == OTHER
