"""nginx, HAProxy, Envoy and Caddy as plain reverse proxies before an origin of ours.

Rule: each is configured to pass on what it can as it comes (bodies streamed, keep-alive on both
sides, WebSocket allowed) and is otherwise left at its defaults: limits, strictness and what it
writes into a message are its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness import eventually, free_ports

PATH = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin")
)
NAMES = ("nginx", "haproxy", "envoy", "caddy")

NGINX = """\
daemon off; worker_processes 1; {user} pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $hop {{ default upgrade; '' ''; }}
  upstream model {{ server 127.0.0.1:{origin}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_buffering off; proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $hop;
      proxy_set_header Upgrade $http_upgrade;
    }}
  }}
}}
"""

HAPROXY = """\
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:{port}
  default_backend model
backend model
  server model 127.0.0.1:{origin}
"""

CADDY = """\
{{
  admin off
  auto_https off
  persist_config off
}}
:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{origin} {{
    flush_interval -1
  }}
}}
"""

ENVOY_FLAGS = "--concurrency 1 --disable-hot-restart --log-level critical"
ENVOY = "type.googleapis.com/envoy.extensions.filters"


def _envoy(port: int, origin: int) -> str:
    def at(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{ENVOY}.http.router.v3.Router"},
    }
    manager = {
        "@type": f"{ENVOY}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "codec_type": "HTTP1",
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    named = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": at(origin)}}]}]
    cluster = {
        "name": "model",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "model", "endpoints": endpoints},
    }
    listener = {"address": at(port), "filter_chains": [{"filters": [named]}]}
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})


def _commands(name: str, program: str, folder: Path) -> list[str]:
    config = str(folder / "config")
    return {
        "nginx": [program, "-e", "stderr", "-p", str(folder), "-c", config],
        "haproxy": [program, "-db", "-f", config],
        "envoy": [program, "-c", config, *ENVOY_FLAGS.split()],
        "caddy": [program, "run", "--config", config, "--adapter", "caddyfile"],
    }[name]


def _config(name: str, folder: Path, port: int, origin: int) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    texts: dict[str, Callable[[], str]] = {
        "nginx": lambda: NGINX.format(folder=folder, port=port, origin=origin, user=user),
        "haproxy": lambda: HAPROXY.format(port=port, origin=origin),
        "envoy": lambda: _envoy(port, origin),
        "caddy": lambda: CADDY.format(port=port, origin=origin),
    }
    return texts[name]()


def program(name: str) -> str:
    """Where the program is; raises AssertionError if it is not installed."""
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not installed"
    return found


def version(name: str) -> str:
    """Its version as three numbers."""
    told = subprocess.run(
        [program(name), "version" if name == "caddy" else "-v" if name != "envoy" else "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"\d+\.\d+\.\d+", told.stdout + told.stderr)
    assert found, f"{name} does not say its version"
    return found[0]


class Peer:
    """One of `NAMES` before the origin on `origin_port`, from ready to gone."""

    def __init__(self, name: str, origin_port: int) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix=f"{name}-test-")
        folder = Path(self._folder.name)
        port = free_ports(1)[0]
        self.address = ("127.0.0.1", port)
        (folder / "config").write_text(_config(name, folder, port, origin_port))
        self._errors = folder / "stderr"
        homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                _commands(name, program(name), folder),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env={"PATH": PATH, **homes},
            )
        try:
            eventually(self._listens, f"{name} to listen", 30)
        except BaseException:
            self.close()
            raise

    def _listens(self) -> bool:
        told = self._errors.read_text(errors="replace")[-2000:]
        assert self.process.poll() is None, f"{self.name} ended: {told}"
        try:
            socket.create_connection(self.address, 1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """SIGTERM; SIGKILL where that is not enough."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
