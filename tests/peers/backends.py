"""Model servers that people run, each writing down every request that it believes in.

Rule: they are what their documentation starts with, of one process, with keep-alive; the app does
nothing but record and answer with the target, so that an answer names the request it is for.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.harness import ROOT, eventually, free_ports
from tests.peers.peers import PATH, program

APPS = ROOT / "tests" / "peers" / "apps"
NGINX = """\
daemon off; master_process off; worker_processes 1; {user} pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  log_format seen '$request_method $request_uri $status';
  access_log {folder}/seen seen;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  default_type text/plain;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 $request_uri; }} }}
}}
"""
UVICORN = [sys.executable, "-m", "uvicorn", "asgi:app", "--log-level", "critical"]
GUNICORN = [sys.executable, "-m", "gunicorn.app.wsgiapp", "wsgi:app", "--log-level", "critical"]
COMMANDS: dict[str, list[str]] = {
    "uvicorn-h11": [*UVICORN, "--http", "h11", "--port", "{port}"],
    "uvicorn-httptools": [*UVICORN, "--http", "httptools", "--port", "{port}"],
    "gunicorn": [*GUNICORN, "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:{port}"],
    "aiohttp": [sys.executable, str(APPS / "web.py"), "{port}"],
    "node": ["node", str(APPS / "app.js"), "{port}"],
    "node-lenient": ["node", "--insecure-http-parser", str(APPS / "app.js"), "{port}"],
    "nginx": ["nginx", "-e", "stderr", "-p", "{folder}", "-c", "{folder}/config"],
}
NAMES = [name for name in COMMANDS if name != "node-lenient"]
NEEDS = {"node": "node", "node-lenient": "node", "nginx": "nginx"}
"""The programs that are not Python packages."""


class BackEnd:
    """One of `COMMANDS`, from ready to gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix=f"{name}-test-")
        folder = Path(self._folder.name)
        self.address = ("127.0.0.1", free_ports(1)[0])
        self._seen = folder / "seen"
        self._seen.touch()
        values = {"port": self.address[1], "folder": folder}
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "config").write_text(NGINX.format(user=user, **values))
        first, *rest = [part.format(**values) for part in COMMANDS[name]]
        self._errors = folder / "stderr"
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [program(first) if name in NEEDS else first, *rest],
                cwd=APPS,
                env={"PATH": PATH, "SEEN": str(self._seen), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
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

    def seen(self) -> list[tuple[bytes, bytes]]:
        """Method and target of every request that it took for one, in order."""
        lines = [line.split(b" ") for line in self._seen.read_bytes().splitlines()]
        return [(line[0], line[1]) for line in lines if line[-1] != b"400"]

    def refused(self) -> list[bytes]:
        """What it took for malformed, as far as it says so: nginx alone does."""
        return [line for line in self._seen.read_bytes().splitlines() if line.endswith(b" 400")]

    def close(self) -> None:
        """SIGTERM; SIGKILL where that is not enough."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()

    def __enter__(self) -> BackEnd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
