"""`outrider profile import`, and whether what it makes can be judged by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.drift.engine.classic import judge
from agent.drift.reference.profile import load
from tests.drift.charts import counted

WHYLOGS = Path(__file__).parent / "made" / "whylogs.bin"
FEATURE = {
    "name": "age",
    "inferred_type": "Integral",
    "numerical_statistics": {
        "common": {"num_present": 90, "num_missing": 10},
        "distribution": {
            "kll": {"buckets": [{"lower_bound": 0.0, "upper_bound": 9.0, "count": 90.0}]}
        },
    },
}


def outrider(*arguments):
    command = [sys.executable, "-m", "agent", "profile", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_whylogs_profile_becomes_a_reference(tmp_path):
    made = tmp_path / "reference.json"
    ran = outrider("import", WHYLOGS, "-o", made, "--model", "iris", "--outputs", "flag,few")
    assert ran.returncode == 0, ran.stderr
    assert "iris, 3,000 rows, 12 columns" in ran.stdout
    assert ran.stderr.startswith("outrider profile: id: more different texts")
    columns = {column.name: column for column in load(made, "iris").columns}
    assert [name for name, column in columns.items() if column.side == "output"] == ["few", "flag"]
    rng = np.random.default_rng(2)
    same, moved = rng.normal(size=3000), rng.normal(0.7, size=3000)
    assert not judge("ks", columns["normal"], counted(columns["normal"], same)).drift
    assert judge("psi", columns["normal"], counted(columns["normal"], moved)).drift


@pytest.mark.slow
def test_a_sagemaker_baseline_becomes_a_reference_or_says_why_not(tmp_path):
    made, source = tmp_path / "reference.json", tmp_path / "statistics.json"
    baseline = {"version": 0, "dataset": {"item_count": 100}, "features": [FEATURE]}
    source.write_text(json.dumps(baseline))
    assert outrider("import", tmp_path, "-o", made).returncode == 0
    (column,) = load(made).columns
    assert (column.counts, column.missing) == ([0, 90, 0], 10)

    source.write_text(json.dumps({**baseline, "dataset": {"item_count": "x"}}))
    ran = outrider("import", source, "-o", made)
    assert ran.returncode == 2
    assert "dataset.item_count: is no finite number (found 'x'); give the" in ran.stderr
    ran = outrider("import", tmp_path / "no.bin", "-o", made)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "no.bin: No such file" in ran.stderr
