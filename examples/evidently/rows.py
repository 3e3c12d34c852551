"""Rows for pandas, of the records that Outrider writes while `capture.payload_log` is on.

A body longer than `capture.payload_log_bytes` was cut, and is left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd


def frame(lines: Iterable[str]) -> pd.DataFrame:
    """A row for each instance that was scored: its features and what the model made of it."""
    return pd.DataFrame.from_records(list(_rows(lines)))


def _rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        record = json.loads(line)
        if "input" not in record or record.get("http.response.status_code") != 200:
            continue
        try:
            instances = json.loads(record["input"])["instances"]
            predictions = json.loads(record["output"])["predictions"]
        except ValueError:
            print(f"left out, cut: {record['request_id']}", file=sys.stderr)
            continue
        for features, prediction in zip(instances, predictions, strict=True):
            yield features | prediction
