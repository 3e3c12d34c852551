"""The settings of Prometheus and Alertmanager in the examples are ones that they read."""

from __future__ import annotations

import json
import re
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


@pytest.mark.needs("amtool")
def test_a_message_for_people_has_what_they_need_and_mentions_nobody(tmp_path: Path):
    said = {"summary": "Input <!channel> drifts", "description": "<https://x.test|x> & more"}
    links = {"runbook_url": "https://docs.test/r.md", "dashboard": "https://grafana.test/d/x"}
    labels = {"alertname": "ModelInputDrift", "model": "<!here>"}
    alert = {"status": "firing", "labels": labels, "annotations": {**said, **links}}
    times = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z"}
    data = {"status": "firing", "alerts": [{**alert, **times}] * 12, "commonLabels": labels}
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data))
    settings = yaml.safe_load((EXAMPLES / "alertmanager.yml").read_text())
    [slack] = [s for r in settings["receivers"] for s in r.get("slack_configs", [])]

    def rendered(template: str) -> str:
        command = ["amtool", "template", "render", "--template.glob=/dev/null"]
        command += [f"--template.data={file}", f"--template.text={template}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert rendered(slack["title"]) == "ModelInputDrift .!here. (12)"
    assert rendered(slack["title_link"]) == "https://docs.test/r.md"
    text = rendered(slack["text"])
    assert text.count("• Input .!channel. drifts .https://x.test|x. . more") == 10
    assert set(re.findall("<[^>]*>", text)) == {"<https://grafana.test/d/x|dashboard>"}


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
