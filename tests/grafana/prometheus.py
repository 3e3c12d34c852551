"""The real Prometheus over two sidecars, under a test's control."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.harness import ROOT, Outrider, eventually, free_ports


class Prometheus:
    """Its HTTP API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.at = 0.0
        """When all was seen, seconds since the epoch: what is asked is asked as of then."""

    def api(self, path: str, **parameters: Any) -> Any:
        """The `data` of an answer; raises AssertionError with Prometheus' own words."""
        url = f"http://{self.address}/api/v1/{path}?" + urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(url, timeout=20) as got:
                return json.load(got)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def is_ready(self) -> bool:
        """Whether it answers queries yet."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=20):
                return True
        except OSError:
            return False

    def value(self, expr: str) -> float | None:
        """Of the first series now; None if there is none."""
        found = self.api("query", query=expr)["result"]
        return float(found[0]["value"][1]) if found else None


def impatient(folder: Path) -> list[str]:
    """The rules of examples/prometheus, whose alarms do not wait here."""
    made = []
    for file in sorted((ROOT / "examples" / "prometheus").glob("*.rules.yml")):
        text = re.sub(r"^ +(for|interval): .*\n", "", file.read_text(), flags=re.MULTILINE)
        made.append(folder / file.name)
        made[-1].write_text(text)
    return [str(file) for file in made]


@contextmanager
def prometheus(
    sidecars: Sequence[Outrider],
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    args: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Scrapes each second, and keeps exemplars; `settings` take the place of its own."""
    targets = [f"127.0.0.1:{sidecar.admin[1]}" for sidecar in sidecars]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    jobs = [{"job_name": "outrider", "static_configs": [{"targets": targets}]}]
    config = folder / "prometheus.yml"
    usual = {"global": every, "rule_files": impatient(folder), "scrape_configs": jobs}
    config.write_text(yaml.safe_dump({**usual, **(settings or {})}))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
        *args,
    ]
    log = folder / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        made = Prometheus(address)

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return made.is_ready() and made.value("count(up == 1)") == len(targets)

        eventually(is_up, "Prometheus to have scraped all", 60)
        yield made
    finally:
        process.terminate()
        process.wait()
