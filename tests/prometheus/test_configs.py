"""The settings of Prometheus and Alertmanager in the examples are ones that they read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT

EXAMPLES = ROOT / "examples" / "prometheus"


def check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("promtool")
def test_prometheus_reads_its_settings_with_all_rules():
    settings = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    assert set(settings["rule_files"]) == {file.name for file in EXAMPLES.glob("*.rules.yml")}
    check("promtool", "check", "config", str(EXAMPLES / "prometheus.yml"))


@pytest.mark.needs("promtool")
def test_prometheus_reads_how_pods_are_found(tmp_path: Path):
    """Debian builds it without the discovery of pods: in its place stands a file's."""
    settings = yaml.safe_load((EXAMPLES / "kubernetes.yml").read_text())
    for job in settings["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["file_sd_configs"] = [{"files": [str(tmp_path / "pods.json")]}]
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(settings))
    check("promtool", "check", "config", str(file))


@pytest.mark.needs("amtool")
def test_alertmanager_reads_its_settings():
    check("amtool", "check-config", str(EXAMPLES / "alertmanager.yml"))


WHO = [("critical", "on-call"), ("warning", "working-hours")]


@pytest.mark.needs("amtool")
@pytest.mark.parametrize(("severity", "receiver"), WHO)
def test_who_is_told(severity: str, receiver: str):
    file = str(EXAMPLES / "alertmanager.yml")
    check(
        "amtool", "config", "routes", "test", f"--config.file={file}",
        f"--verify.receivers={receiver}", f"severity={severity}", "model=churn",
    )  # fmt: skip


def test_alarms_that_silence_others_are_there():
    rules = [yaml.safe_load(file.read_text()) for file in EXAMPLES.glob("*.rules.yml")]
    alerts = {r.get("alert") for file in rules for group in file["groups"] for r in group["rules"]}
    settings = yaml.safe_load((EXAMPLES / "alertmanager.yml").read_text())
    for rule in settings["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            for name in matcher.rpartition(" ")[2].strip('"').split("|"):
                assert name in alerts, name


def test_the_operator_s_resources_are_up_to_date():
    command = [sys.executable, str(EXAMPLES / "prometheusrule.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert (EXAMPLES / "prometheusrule.yaml").read_text() == made
    resources = list(yaml.safe_load_all(made))
    rules = sorted(EXAMPLES.glob("*.rules.yml"))
    assert [r["spec"] for r in resources] == [yaml.safe_load(file.read_text()) for file in rules]
    assert len({resource["metadata"]["name"] for resource in resources}) == len(rules)
