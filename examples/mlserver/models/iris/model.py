"""A nearest-centre classifier of irises: one tensor in, two out."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

SPECIES = ["setosa", "versicolor", "virginica"]
CENTRES = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])


class Iris(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        flowers = NumpyCodec.decode_input(payload.inputs[0])
        distances = np.square(flowers[:, None, :] - CENTRES).sum(axis=2)
        chances = np.exp(-distances)
        chances /= chances.sum(axis=1, keepdims=True)
        species = [SPECIES[place] for place in chances.argmax(axis=1)]
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                StringCodec.encode_output("species", species),
                NumpyCodec.encode_output("chances", chances),
            ],
        )
