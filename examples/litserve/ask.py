"""Asks for a few flowers, one a request.

python ask.py http://127.0.0.1:8900
"""

from __future__ import annotations

import json
import sys
from urllib.request import Request, urlopen

FLOWERS = [(4.7, 1.4), (4.5, 1.5), (4.9, 1.5), (6.0, 2.5), (5.1, 1.9), (5.9, 2.1), (5.6, 1.8)]


def main() -> None:
    """Prints a line for each flower."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8900"
    for length, width in FLOWERS:
        body = json.dumps({"input": {"length": length, "width": width}}).encode()
        request = Request(f"{url}/predict", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            print(length, width, json.load(answer))


if __name__ == "__main__":
    main()
