"""Asks the model for 600 wines through the sidecar; the last 300 were measured by another lamp."""

from __future__ import annotations

import json
import random
import sys
import urllib.request
from collections.abc import Iterator

from sklearn.datasets import load_wine

ROWS = 600
OTHER_LAMP = {"color_intensity": 2.0, "hue": 0.65, "od280/od315_of_diluted_wines": 0.7}
"""Columns: the factors by which they are read wrong from then on."""


def wines() -> Iterator[dict[str, float]]:
    """The first half as they are, the second as that instrument reads them."""
    data = load_wine()
    chance = random.Random(7)
    for n in range(ROWS):
        values = data.data[chance.randrange(len(data.data))].tolist()
        row = dict(zip(data.feature_names, values, strict=True))
        if n >= ROWS // 2:
            row = {name: value * OTHER_LAMP.get(name, 1.0) for name, value in row.items()}
        yield row


def main(url: str) -> None:
    """One row a request."""
    for row in wines():
        request = urllib.request.Request(
            f"{url}/v1/models/wine:predict",
            json.dumps({"instances": [row]}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            response.read()
    print(f"{ROWS} wines asked for")


main(sys.argv[1])
