"""The drift of a fleet, which Prometheus computes of what the sidecars show, is that of its sum."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from agent.drift.monitor import Monitor, References
from agent.drift.reference.distance import psi
from agent.drift.settings import Settings
from tests.drift.test_acknowledge import PROFILE
from tests.drift.test_monitor import payload, scraped
from tests.harness import ROOT

EXAMPLES = ROOT / "examples" / "prometheus"
RULES = [str(EXAMPLES / f"{name}.rules.yml") for name in ("slo", "columns", "model")]
ORDER = ["outrider-slo", "outrider-fleet", "outrider-model-alerts"]
RINGING = 'count(ALERTS{alertname="ModelInputDrift",scope="fleet",alertstate="firing"})'


def promtool(*args: str) -> None:
    done = subprocess.run(["promtool", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def series(pod: str, text: str) -> list[dict[str, str]]:
    """Of one scrape: counters as growing from nothing for two hours, gauges as they are."""
    found = []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{k}="{v}"' for k, v in {**sample.labels, "pod": pod}.items())
            steady = f"0+{sample.value}x120" if family.type == "counter" else f"{sample.value}x120"
            found.append({"series": f"{sample.name}{{{labels}}}", "values": steady})
    return found


@pytest.mark.needs("promtool")
def test_a_fleets_drift_is_a_recording_rule(tmp_path: Path):
    """Two pods, each with a little of it, of unequal traffic."""
    rng = np.random.default_rng(5)
    pods = [Monitor(Settings(), References(PROFILE)) for _ in range(2)]
    for pod, (rows, shift) in zip(pods, ((2000, 0.4), (1000, 0.8)), strict=True):
        values = {"a": rng.normal(size=rows) + shift, "b": rng.normal(size=rows)}
        pod.add(payload({name: column.tolist() for name, column in values.items()}))
    [column] = [c for c in PROFILE.columns if c.name == "a"]
    total = sum(pod.models["m", ""].inputs.columns["a"].totals for pod in pods)
    before = np.array([*column.counts, column.missing, column.invalid])
    now, then = (np.maximum(x / x.sum(), 1e-4) for x in (total, before))
    expected = float(((now - then) * np.log(now / then)).sum())
    assert expected == pytest.approx(psi(then, now))
    labels = f'column="a",model="m",reference="{PROFILE.short_hash}",side="input"'
    test: dict[str, Any] = {
        "rule_files": RULES,
        "group_eval_order": ORDER,
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [x for n, p in enumerate(pods) for x in series(f"{n}", scraped(p))],
                "promql_expr_test": [
                    {
                        "expr": 'round(model_column:outrider_column_psi:1h{column="a"}, 0.001)',
                        "eval_time": "90m",
                        "exp_samples": [{"labels": f"{{{labels}}}", "value": round(expected, 3)}],
                    },
                    {"expr": RINGING, "eval_time": "90m", "exp_samples": [{"value": 1}]},
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test))
    promtool("test", "rules", str(file))
    assert expected > 0.25


@pytest.mark.needs("promtool")
def test_a_few_rows_are_no_drift_of_a_fleet(tmp_path: Path):
    pod = Monitor(Settings(), References(PROFILE))
    pod.add(payload({"a": [3.0] * 10, "b": [3.0] * 10}))  # a minute: 600 in the rule's hour
    pod.tick()
    test = {
        "rule_files": RULES,
        "group_eval_order": ORDER,
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series("0", scraped(pod)),
                "promql_expr_test": [
                    {
                        "expr": "count(model_column:outrider_column_psi:1h > 0.25)",
                        "eval_time": "90m",
                        "exp_samples": [{"labels": "{}", "value": 2}],
                    },
                    {"expr": RINGING, "eval_time": "90m", "exp_samples": []},
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test))
    promtool("test", "rules", str(file))
