"""Asks with BentoML's own client: rows, an array, and a file.

python ask.py http://127.0.0.1:8900
"""

from __future__ import annotations

import sys
from pathlib import Path

import bentoml
import numpy as np

PEOPLE = [
    {"age": 39.0, "income": 1700.0, "home": {"city": "Bonn", "rooms": 3}},
    {"age": 52.0, "income": 900.0, "home": {"city": "Paris", "rooms": 2}},
    {"age": 23.0, "income": 2400.5, "home": {"city": "Rome", "rooms": 4}},
]


def main() -> None:
    """Prints a line for each way to ask."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8900"
    with bentoml.SyncHTTPClient(url) as client:
        print("rows:", [str(credit) for credit in client.predict(people=PEOPLE)])
        print("array:", client.sums(values=np.array([[1.0, 2.0], [3.5, 4.5]])).tolist())
        print("file:", client.lines(text=Path(__file__), least=4))


if __name__ == "__main__":
    main()
