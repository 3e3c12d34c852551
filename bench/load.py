"""Load by wrk: keep-alive connections, each with one request in flight.

Without a rate each connection sends its next request at once; with one, requests are due at even
times and a connection waits for the next due time. wrk's delays are whole milliseconds, but as
due times do not depend on them the rate holds.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BenchError, end
from bench.workload import PATH, bodies

SCRIPT = """\
local requests = {}
local turn = 0
local due = 0
local interval = %(interval)r

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for body in io.lines(%(bodies)s) do
    if %(ids)s then
      wrk.headers["Authorization"] = string.format("Bearer %%032x", #requests)
    end
    requests[#requests + 1] = wrk.format("POST", %(path)s, nil, body)
  end
end

function request()
  turn = turn %% #requests + 1
  return requests[turn]
end

function done(summary, latency, requests)
  io.stderr:write(string.format(
    '{"requests": %%d, "us": %%d, "failed": %%d, "p50": %%d, "p99": %%d}\\n',
    summary.requests, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.status + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""

PACED = """
local ffi = require("ffi")
ffi.cdef "typedef struct { long s; long ns; } timespec; int clock_gettime(int, timespec *);"
local clock = ffi.new("timespec")

function delay()
  ffi.C.clock_gettime(1, clock)
  local now = tonumber(clock.s) * 1e3 + tonumber(clock.ns) / 1e6
  due = math.max(due, now - 50) + interval
  return math.max(0, due - now)
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk did: answers counted, seconds, failures, latency percentiles in µs."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def wrk(
    port: int,
    *,
    seconds: float,
    connections: int,
    core: int,
    rate: float | None = None,
    ids: bool = False,
) -> Load:
    """Load `port` on loopback for `seconds` (whole seconds, at least 1); `rate` in requests/s.

    `ids`: every body of the cycle has a header value of its own.
    """
    with tempfile.TemporaryDirectory(prefix="bench-wrk-") as folder:
        rows = Path(folder, "bodies")
        rows.write_bytes(b"\n".join(bodies()) + b"\n")
        script = Path(folder, "load.lua")
        values = {
            "interval": 1e3 / rate if rate else 0.0,
            "bodies": json.dumps(str(rows)),
            "path": json.dumps(PATH),
            "ids": str(ids).lower(),
        }
        script.write_text(SCRIPT % values + (PACED if rate else ""))
        return _run(
            ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}"],
            [f"-d{max(1, round(seconds))}s", "-s", str(script), f"http://127.0.0.1:{port}"],
            seconds + 15,
        )


def _run(program: list[str], options: list[str], limit: float) -> Load:
    process = subprocess.Popen(
        program + options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
    )
    try:
        output = process.communicate(timeout=limit)[0].decode(errors="replace")
    finally:
        end(process)
    lines = [line for line in output.splitlines() if line.startswith('{"requests"')]
    if not lines:
        raise BenchError(f"wrk gave no result:\n{output[-1000:]}")
    result = json.loads(lines[-1])
    return Load(
        requests=result["requests"],
        seconds=result["us"] / 1e6,
        failed=result["failed"],
        p50=result["p50"],
        p99=result["p99"],
    )
