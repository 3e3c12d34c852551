"""KServe's own Python server: a model to be asked in V1, the same for V2, one for datatypes."""

from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

SPECIES = np.array(["setosa", "versicolor", "virginica"], dtype=np.object_)
CENTRES = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])


class Iris(Model):
    """The nearest of three centres; V1 comes as a dict, V2 as an InferRequest."""

    def predict(
        self, payload: dict[str, Any] | InferRequest, *_: object
    ) -> dict[str, Any] | InferResponse:
        if isinstance(payload, InferRequest):
            species, chances = classify(payload.inputs[0].as_numpy())
            return answer(self.name, payload, {"species": species, "chances": chances})
        species, chances = classify(np.array(payload["instances"]))
        rows = zip(species.tolist(), chances.max(axis=1).tolist(), strict=True)
        return {"predictions": [{"species": one, "chance": chance} for one, chance in rows]}


class Types(Model):
    """Gives each tensor back, whatever its type."""

    def predict(self, payload: InferRequest, *_: object) -> InferResponse:
        tensors = {f"{one.name}_back": one.as_numpy() for one in payload.inputs}
        return answer(self.name, payload, tensors)


def classify(flowers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chances = np.exp(-np.square(flowers[:, None, :] - CENTRES).sum(axis=2))
    chances /= chances.sum(axis=1, keepdims=True)
    return SPECIES[chances.argmax(axis=1)], chances


def answer(model: str, asked: InferRequest, tensors: dict[str, np.ndarray]) -> InferResponse:
    """In the form that each output was asked for."""
    wanted = {one.name: (one.parameters or {}) for one in asked.request_outputs or []}
    outputs = []
    for name, values in tensors.items():
        output = InferOutput(name, list(values.shape), datatype_of(values))
        is_binary = bool(wanted.get(name, {}).get("binary_data"))
        output.set_data_from_numpy(values, binary_data=is_binary)
        outputs.append(output)
    return InferResponse(
        response_id=asked.id or "1",
        model_name=model,
        infer_outputs=outputs,
        use_binary_outputs=any(one.get("binary_data") for one in wanted.values()),
    )


def datatype_of(values: np.ndarray) -> str:
    if values.dtype == np.bool_:
        return "BOOL"
    if values.dtype == np.object_:
        return "BYTES"
    kind = {"i": "INT", "u": "UINT", "f": "FP"}[values.dtype.kind]
    return f"{kind}{8 * values.dtype.itemsize}"


if __name__ == "__main__":
    models = [Iris("iris-v1"), Iris("iris-v2"), Types("types")]
    for model in models:
        model.ready = True
    ModelServer().start(models)
