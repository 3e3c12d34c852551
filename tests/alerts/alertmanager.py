"""The real Alertmanager, asked by its API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness import eventually, free_ports, get

CONFIG = """
route: {receiver: nobody, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: nobody}]
"""


class Alertmanager:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        try:
            return get(self._address, "/-/ready").status == 200
        except OSError:
            return False

    def alerts(self) -> list[dict[str, Any]]:
        """Those that it holds for active."""
        found: list[dict[str, Any]] = json.loads(get(self._address, "/api/v2/alerts").body)
        return found

    def received(self, status: str) -> float:
        """How many alerts came to its API, `firing` or `resolved`."""
        text = get(self._address, "/metrics").body.decode()
        wanted = f'alertmanager_alerts_received_total{{status="{status}",version="v2"}} '
        lines = [line for line in text.splitlines() if line.startswith(wanted)]
        return float(lines[0].removeprefix(wanted)) if lines else 0.0


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """It takes alerts and tells nobody."""
    config, log = folder / "alertmanager.yml", folder / "alertmanager.log"
    config.write_text(CONFIG)
    [port] = free_ports(1)
    made = Alertmanager(port)
    command = [
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return made.is_ready()

    try:
        eventually(is_ready, "Alertmanager to be ready", 30)
        yield made
    finally:
        process.terminate()
        process.wait()
