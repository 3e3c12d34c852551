#!/usr/bin/env python3
"""An ordinary model server: scikit-learn behind aiohttp, in KServe's V1 form.

It knows nothing of Outrider and needs only scikit-learn and aiohttp. At start it trains a
classifier on the wine recognition data that ships with scikit-learn: 178 Italian wines, thirteen
chemical measurements each, three cultivars.

    python model_server.py --port 8000
    curl localhost:8000/v1/models/wine:predict -H 'content-type: application/json' \\
         -d '{"instances": [{"alcohol": 13.2, "malic_acid": 1.78, ...}]}'
    {"predictions": [{"cultivar": "class_0", "confidence": 0.995089}]}
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from aiohttp import web
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = "wine"


class WineModel:
    """The trained pipeline, and the names of its columns in the order that it wants them."""

    def __init__(self) -> None:
        wine = load_wine()
        self.columns: list[str] = list(wine.feature_names)
        self.classes: list[str] = [str(name) for name in wine.target_names]
        self.pipeline: Pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        self.pipeline.fit(wine.data, wine.target)

    def predict(self, instances: list[dict[str, float]]) -> list[dict[str, Any]]:
        """One prediction a row. Raises KeyError for a missing column, ValueError for no number."""
        rows = [[float(row[name]) for name in self.columns] for row in instances]
        return [
            {
                "cultivar": self.classes[int(chances.argmax())],
                "confidence": round(float(chances.max()), 6),
            }
            for chances in self.pipeline.predict_proba(rows)
        ]


def make_app(model: WineModel) -> web.Application:
    """The server's two routes."""

    async def predict(request: web.Request) -> web.Response:
        if request.match_info["name"] != MODEL:
            return web.json_response({"error": f"no such model; there is {MODEL}"}, status=404)
        try:
            predictions = model.predict((await request.json())["instances"])
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"predictions": predictions})

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive", "model": MODEL})

    app = web.Application()
    app.router.add_post("/v1/models/{name}:predict", predict)
    app.router.add_get("/healthz", health)
    return app


def main() -> int:
    """Train, then serve until told to stop."""
    parser = argparse.ArgumentParser(description="A scikit-learn model in KServe's V1 form.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    app = make_app(WineModel())
    print(f"serving {MODEL} on http://{options.host}:{options.port}", flush=True)
    web.run_app(app, host=options.host, port=options.port, access_log=None, print=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
