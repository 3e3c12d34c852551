"""The rules for Prometheus: each alert rings when it should, is quiet when it should be, and names
only what there is.

The cases are promtool's own files in `rules/`, one or two for each alert:
`promtool test rules tests/prometheus/rules/ModelInputDrift.yml` runs one by hand.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.alerts import model, service
from agent.alerts.conditions import TABLE
from agent.load import collector as load
from agent.quality.findings import CATALOG
from agent.settings.alerting import Slo
from agent.signals import catalog
from tests.harness import ROOT

EXAMPLES = ROOT / "examples" / "prometheus"
DASHBOARDS = ROOT / "examples" / "grafana" / "dashboards"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES = sorted(EXAMPLES.glob("*.rules.yml"))
CASES = sorted((Path(__file__).parent / "rules").glob("*.yml"))
KNOWN = {"severity", "scope", "what"}
"""Labels by which rules of the same alert differ."""


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def identity(name: str, labels: dict[str, str]) -> tuple[str, ...]:
    return (name, *(f"{k}={labels[k]}" for k in sorted(KNOWN) if k in labels))


def promtool(*args: str) -> None:
    done = subprocess.run(["promtool", *args], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("promtool")
def test_prometheus_reads_them():
    promtool("check", "rules", *map(str, RULES))


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_alerts_ring_and_are_quiet(file: Path):
    promtool("test", "rules", str(file))


def test_each_alert_is_seen_ringing_and_quiet_and_over():
    rang: dict[tuple[str, ...], int] = {identity(a["alert"], a["labels"]): 0 for a in alerts()}
    quiet = dict.fromkeys((a["alert"] for a in alerts()), 0)
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            expected = [case["exp_alerts"] for case in test["alert_rule_test"]]
            [name] = {case["alertname"] for case in test["alert_rule_test"]}
            for ringing in (alert for case in expected for alert in case):
                rang[identity(name, ringing["exp_labels"])] += 1
            quiet[name] += not any(expected)  # in all of the test
    assert all(rang.values()), rang
    assert all(quiet.values()), quiet


def test_all_alerts_say_what_a_person_needs():
    for alert in alerts():
        name, said = alert["alert"], alert["annotations"]
        assert alert["labels"]["severity"] in ("critical", "warning"), name
        assert said.keys() == {"summary", "description", "runbook_url", "dashboard"}, name
        assert said["runbook_url"].endswith(f"/runbooks/{name}.md"), name
        assert re.search(r"\$value|\| value|\.Value", said["summary"] + said["description"]), name


def test_their_links_lead_to_dashboards_that_there_are():
    boards = [json.loads(file.read_text()) for file in DASHBOARDS.glob("*.json")]
    variables = {b["uid"]: {v["name"] for v in b["templating"]["list"]} for b in boards}
    for alert in alerts():
        link = alert["annotations"]["dashboard"]
        [uid] = re.findall(r"/d/([\w-]+)", link)
        assert set(re.findall(r"[?&]var-(\w+)=", link)) <= variables[uid], alert["alert"]


def listed() -> dict[str, str]:
    """Severity by alert, as the runbooks' list has it."""
    text = (RUNBOOKS / "README.md").read_text()
    return dict(re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", text, re.MULTILINE))


def test_each_alert_has_its_runbook_and_no_other_is_there():
    severities = {alert["alert"]: alert["labels"]["severity"] for alert in alerts()}
    assert listed() == severities
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == {*severities, "README"}
    for name, severity in severities.items():
        text = (RUNBOOKS / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n\nSeverity: {severity}.\n")
        for part in (
            "What it means", "Why it matters", "How to see it",
            "What to do", "How to silence it", "Common false causes",
        ):  # fmt: skip
            assert f"**{part}" in text, (name, part)


def test_the_sidecar_s_own_alerts_are_the_same():
    """Who changes from one to the other finds the same alarms, rung by the same numbers."""
    assert {one.name: one.severity for one in TABLE} == listed()
    assert {one.runbook for one in TABLE} == {f"{name}.md" for name in listed()}
    text = (ROOT / "docs" / "alerts.md").read_text()
    assert dict(re.findall(r"^\| (\w+) \| (critical|warning) \|", text, re.MULTILINE)) == listed()
    expressions = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    for record, number in (
        ("outrider:slo_availability:ratio", Slo().availability),
        ("outrider:slo_latency:seconds", Slo().latency),
        ("outrider:slo_least_failures:count", service.LEAST_FAILURES),
        ("outrider:limit_missing_rise:ratio", model.MISSING_RISE),
        ("outrider:limit_confidence_fall:ratio", model.CONFIDENCE_FALL),
    ):
        assert expressions[record] == f"vector({float(number):g})", record
    told = {alert["alert"]: alert["expr"] for alert in alerts()}
    assert f'finding=~"{"|".join(model.SILENT)}"' in told["ModelSilentFailure"]
    assert f'finding=~"{"|".join(model.CONSTANT)}"' in told["ModelPredictionsConstant"]


# -- names


EXPOSED = re.compile(r"\b(?:http_server|outrider|gen_ai|process)_[a-z0-9_]+\b")
RECORDED = re.compile(r"\b[a-z_]+:[a-z0-9_]+(?::[a-z0-9_]+)?")
SUFFIXES = ("", "_total", "_bucket", "_count", "_sum")


def exposed() -> set[str]:
    """All sample names that the code can show: of the catalogue, and as collectors have them."""
    names = {spec.name for spec in catalog.ALL}
    for file in (ROOT / "agent").rglob("*.py"):
        names |= set(re.findall(r'"((?:outrider|process)_[a-z_]+)"', file.read_text()))
    names |= {f"outrider_prediction_{measure}" for measure in ("confidence", "margin", "entropy")}
    names |= {f"outrider_load_{name}" for name in load._GAUGES}
    names |= {"process_start_time_seconds", "process_cpu_seconds_total"}  # the library's own
    names.add("process_resident_memory_bytes")
    return {name + suffix for name in names for suffix in SUFFIXES}


def texts() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
        for said in rule.get("annotations", {}).values():
            yield rule["alert"], said


def test_rules_name_only_metrics_that_there_are():
    there, recorded = exposed(), {rule["record"] for rule in rules() if "record" in rule}
    for name, text in texts():
        without = RECORDED.sub("", text)
        known = {*KNOWN, "outrider_docs"}
        assert set(EXPOSED.findall(without)) - known <= there, name
        assert set(RECORDED.findall(re.sub(r"\[\w+:\w+\]|https?:", "", text))) <= recorded, name


def test_runbooks_name_only_metrics_that_there_are():
    there, recorded = exposed(), {rule["record"] for rule in rules() if "record" in rule}
    for file in RUNBOOKS.glob("*.md"):
        for code in re.findall(r"`([^`]+)`", file.read_text()):
            if code.startswith(("curl", "amtool")):
                continue
            found = set(RECORDED.findall(re.sub(r"https?:\S+", "", code)))
            assert found <= recorded, (file.name, found - recorded)
            assert set(EXPOSED.findall(RECORDED.sub("", code))) <= there, (file.name, code)


def test_each_finding_is_some_alert_s():
    text = (EXAMPLES / "model.rules.yml").read_text()
    for finding in CATALOG:
        assert re.search(rf'finding=~"[a-z_|]*\b{finding.name}\b', text), finding.name
