"""A model behind LitServe: `output` and the chances of each class for one input.

python server.py --port 8000
"""

from __future__ import annotations

import argparse
import math

import litserve


class Iris(litserve.LitAPI):
    """Tells two kinds of flowers by the length and width of a petal, in cm."""

    def setup(self, device: str) -> None:
        """Nothing is to be loaded: these are a logistic regression's weights."""
        self.bias, self.length, self.width = -10.5, 1.4, 2.1

    def decode_request(self, request: dict[str, dict[str, float]]) -> dict[str, float]:
        """The measures in a request."""
        return request["input"]

    def predict(self, x: dict[str, float]) -> float:
        """The chance that it is an iris virginica."""
        return 1 / (1 + math.exp(-self.bias - self.length * x["length"] - self.width * x["width"]))

    def encode_response(self, output: float) -> dict[str, object]:
        """The answer."""
        chances = {"versicolor": 1 - output, "virginica": output}
        return {"output": max(chances, key=chances.__getitem__), "probabilities": chances}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model behind LitServe.")
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    server = litserve.LitServer(Iris(), accelerator="cpu")
    server.run(host="127.0.0.1", port=port, generate_client_file=False)
