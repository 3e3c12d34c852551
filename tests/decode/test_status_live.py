"""The status of a real sidecar says what its routes speak."""

from __future__ import annotations

import http.client
from typing import Any

from tests.harness import eventually, get
from tests.wire import response

ASKED = b'{"instances": [{"age": 39}]}'


def test_what_a_route_speaks_is_seen_from_outside(start, own_origin) -> None:
    proxy = start(own_origin.url)
    client = http.client.HTTPConnection(*proxy.address)
    for kind, body in (("application/json", ASKED), ("image/png", b"\x89 no PNG")):
        client.request("POST", "/v1/models/m:predict", body, {"Content-Type": kind})
        own_origin.serve(response(b'{"predictions": [0.5]}'))
        assert client.getresponse().read() == b'{"predictions": [0.5]}'

    def told() -> dict[str, Any] | None:
        routes = get(proxy.admin, "/api/v1/status").json()["decode"]
        return next((route for route in routes if route["not_decoded"]), None)

    found = eventually(told, "both to be told")
    assert found["route"] == "/v1/models/{model}:predict"
    [chosen] = found["dialects"]
    assert (chosen["dialect"], chosen["evidence"]) == ("kserve_v1", "a list of instances")
    assert found["not_decoded"] == {"unsupported": 1}
    assert found["last_refused"]["media_type"] == "image/png"
