"""The shipped rules and settings, a second for each minute, so that a test can wait for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.harness import ROOT

EXAMPLES = ROOT / "examples" / "prometheus"
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
FACTOR = 60


def shorter(duration: str, factor: int = FACTOR) -> str:
    """`5m` becomes `5000ms`."""
    return f"{float(duration[:-1]) * SECONDS[duration[-1]] / factor * 1000:.0f}ms"


def in_expression(text: str) -> str:
    """Ranges, steps, offsets and ages of seconds, in PromQL and in templates that query."""

    def each(match: re.Match[str]) -> str:
        return re.sub(r"\d+[smhd]\b", lambda found: shorter(found[0]), match[0])

    text = re.sub(r"\[\d+[smhd](:\d+[smhd])?\]|\boffset \d+[smhd]\b", each, text)
    return re.sub(r"time\(\) - (\d+)", lambda age: f"time() - {int(age[1]) / FACTOR}", text)


def rules(folder: Path) -> list[str]:
    """All rules files, made faster, written to the new `folder`."""
    folder.mkdir()
    made = []
    for file in EXAMPLES.glob("*.rules.yml"):
        settings = yaml.safe_load(file.read_text())
        for group in settings["groups"]:
            if "interval" in group:
                group["interval"] = shorter(group["interval"])
            for rule in group["rules"]:
                rule["expr"] = in_expression(rule["expr"])
                if "for" in rule:
                    rule["for"] = shorter(rule["for"])
                for name, said in rule.get("annotations", {}).items():
                    rule["annotations"][name] = in_expression(said)
        made.append(folder / file.name)
        made[-1].write_text(yaml.safe_dump(settings))
    return [str(file) for file in made]


def alertmanager(folder: Path, url: str) -> Path:
    """Its settings, made faster; each receiver is a path of the webhook `url`."""
    settings: dict[str, Any] = yaml.safe_load((EXAMPLES / "alertmanager.yml").read_text())
    for route in (settings["route"], *settings["route"]["routes"]):
        for name in ("group_wait", "group_interval", "repeat_interval"):
            if name in route:
                route[name] = shorter(route[name], 5 * FACTOR)
    names = [receiver["name"] for receiver in settings["receivers"]]
    settings["receivers"] = [
        {"name": name, "webhook_configs": [{"url": f"{url}/{name}", "send_resolved": True}]}
        for name in names
    ]
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(settings))
    return file
