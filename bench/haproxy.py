"""HAProxy as a sidecar: keep-alive on both sides, a JSON line of every request to a file.

It writes each line at once (`log stdout`): the cheapest of its ways that keeps the lines in a file
without another program to receive them. It has no blocks, as nginx, Envoy and Outrider have.
"""

from __future__ import annotations

from pathlib import Path

from bench.processes import Launch

CONFIG = """\
global
  nbthread 1
  maxconn 8192
  log stdout format raw local0
defaults
  mode http
  log global
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
  option forwardfor
frontend in
  bind 127.0.0.1:{port} backlog 4096
  monitor-uri /haproxy-ready
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  log-format '{format}'
  default_backend model
backend model
  server model 127.0.0.1:{upstream}
"""

LOG_FORMAT = (
    '{"timestamp":"%tr","http.request.method":%{+Q}HM,"url.path":%{+Q}HP,'
    '"http.response.status_code":%ST,"duration":%Ta,"upstream":%Tr,'
    '"http.request.body.size":%U,"http.response.body.size":%B,"request_id":"%ID",'
    '"client.address":"%ci","error.type":"%tsc"}'
)


def proxy(folder: Path, port: int, model_port: int) -> Launch:
    """One process with one thread."""
    file, log = folder / "haproxy.cfg", folder / "access.log"
    file.write_text(CONFIG.format(port=port, upstream=model_port, format=LOG_FORMAT))
    return Launch(
        argv=["haproxy", "-db", "-f", file],
        port=port,
        ready=f"http://127.0.0.1:{port}/haproxy-ready",
        stdout=log,
        log=log,
    )
