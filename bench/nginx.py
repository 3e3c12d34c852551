"""nginx's two parts here: the proxy that is measured, and the upstream that answers everybody."""

from __future__ import annotations

import os
from pathlib import Path

from bench.processes import Launch
from bench.workload import ANSWER

COMMON = """\
daemon off;
worker_processes {workers};
worker_rlimit_nofile 16384;
{user}
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  {http}
}}
"""

UPSTREAM = """
  access_log off;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 '{answer}'; }}
  }}
"""

PROXY = """
  log_format json escape=json
    '{{"timestamp":"$time_iso8601","http.request.method":"$request_method",'
    '"url.path":"$uri","http.response.status_code":$status,"duration":$request_time,'
    '"upstream":"$upstream_response_time","http.request.body.size":"$request_length",'
    '"http.response.body.size":$body_bytes_sent,"request_id":"$request_id",'
    '"client.address":"$remote_addr"}}';
  access_log {log} json buffer=64k flush=1s;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /nginx-ready {{ access_log off; return 200; }}
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      {passing}
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
"""

STREAMING = "proxy_buffering off; proxy_request_buffering off;"
"""Bodies are passed on as they come, as the other contestants do."""

LARGE = STREAMING + " proxy_buffers 8 64k; proxy_buffer_size 64k;"
"""The same with a buffer for large bodies; the usual one is 4 KiB."""


def _configured(folder: Path, http: str, workers: int = 1) -> list[str | Path]:
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(COMMON.format(folder=folder, http=http, user=user, workers=workers))
    return ["nginx", "-e", "stderr", "-p", folder, "-c", file]


def upstream(folder: Path, port: int) -> Launch:
    """The model server: one constant JSON answer, keep-alive without end, no log."""
    argv = _configured(folder, UPSTREAM.format(port=port, answer=ANSWER))
    return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/")


def proxy(folder: Path, port: int, model_port: int, passing: str = "", workers: int = 1) -> Launch:
    """The proxy: keep-alive on both sides, a JSON access log in blocks of 64 KiB.

    `passing` says how bodies are passed on: nginx's defaults, or one of the two above.
    """
    log = folder / "access.log"
    http = PROXY.format(port=port, upstream=model_port, log=log, passing=passing)
    argv = _configured(folder, http, workers)
    return Launch(argv=argv, port=port, ready=f"http://127.0.0.1:{port}/nginx-ready", log=log)
