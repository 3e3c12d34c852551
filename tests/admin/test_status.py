"""The status is the ledger's and the sinks', as plain data."""

from __future__ import annotations

import msgspec

from agent.admin.status import status
from agent.ledger import OBSERVER, Ledger
from agent.ship.sender import OUTCOMES, Status
from tests.signals.ledgers import KEY, count, set_counter


def test_status() -> None:
    ledger = Ledger(2)
    count(ledger, 0, times=3)
    count(ledger, 1, key=KEY._replace(status="502", error="upstream_connect"))
    set_counter(ledger, "pid", 11, worker=1)
    set_counter(ledger, "restarts", 2, worker=1)
    set_counter(ledger, "dropped_away", 5)
    set_counter(ledger, "unparsed", 4)
    ledger.observer[OBSERVER["shed"]] = 3
    sink = Status(
        "otlp", "grpc", {**dict.fromkeys(OUTCOMES, 0), "sent": 9}, 2, 500, 10**9, "gRPC UNAVAILABLE"
    )
    found = status(
        ledger,
        version="1",
        started_ns=10**9,
        now_ns=3 * 10**9,
        sinks=[sink],
        config={"admin": {"token": "***"}},
        caveats=["references are kept in memory only"],
        decode=[{"route": "/predict"}],
        quality={"findings": []},
        business=[{"model": "iris"}],
        names=[{"model": "iris"}],
        host={"cpu_ratio": 0.5},
    )
    assert found["business"] == [{"model": "iris"}]
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
    assert found["uptime_seconds"] == 2.0
    assert [p["role"] for p in found["processes"]] == ["worker", "worker", "observer"]
    assert (found["processes"][1]["pid"], found["processes"][1]["restarts"]) == (11, 2)
    assert found["requests"] == {
        "total": 4,
        "by_status": {"200": 3, "502": 1},
        "active": 0,
        "unparsed": 4,
    }
    assert found["records"]["dropped"]["worker_away"] == 5
    assert found["records"]["shed"] == "logs"
    assert found["sinks"] == [
        {
            "name": "otlp",
            "kind": "grpc",
            "records": sink.outcomes,
            "waiting": 2,
            "waiting_bytes": 500,
            "oldest_seconds": 2.0,
            "away": "gRPC UNAVAILABLE",
        }
    ]
    assert found["quality"] == {"findings": []}
    assert found["names"] == [{"model": "iris"}]
    assert found["host"] == {"cpu_ratio": 0.5}
    assert found["decode"] == [{"route": "/predict"}]
    assert found["config"] == {"admin": {"token": "***"}}
    assert found["caveats"]
