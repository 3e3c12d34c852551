"""The rules as PrometheusRule resources, for clusters with the Prometheus Operator.

    python prometheusrule.py > prometheusrule.yaml

Rule: the text of each rules file stays as it is, comments too; it is only moved to the right.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

HEAD = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: outrider-{name}
  labels:
    app.kubernetes.io/name: outrider
    # The operator's Prometheus takes what its `ruleSelector` says; often this label.
    release: prometheus
spec:
"""


def resources(folder: Path) -> Iterator[str]:
    """One for each `*.rules.yml` of a folder, by name."""
    yield "# Made by prometheusrule.py of the *.rules.yml beside it: edit those.\n"
    for file in sorted(folder.glob("*.rules.yml")):
        name = file.name.removesuffix(".rules.yml")
        yield "---\n" + HEAD.format(name=name) + indent(file.read_text(), "  ")


if __name__ == "__main__":
    sys.stdout.write("".join(resources(Path(__file__).parent)))
