"""The dashboards of Outrider as code: a file each, made of the same few parts.

`python -m examples.grafana.source` writes them to `examples/grafana/dashboards/` (`make
dashboards` does). Needs grafana-foundation-sdk, which `pip install -e '.[dev]'` brings.
"""
