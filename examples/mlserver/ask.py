"""Asks both models with Triton's client, in JSON, plain and compressed: python ask.py URL

MLServer has no binary tensors over HTTP, nor has JSON any for FP16: ../kserve has both.
"""

import sys

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype

TYPES = {
    "a_bool": np.bool_,
    "an_int8": np.int8,
    "an_int16": np.int16,
    "an_int32": np.int32,
    "an_int64": np.int64,
    "a_uint8": np.uint8,
    "a_uint16": np.uint16,
    "a_uint32": np.uint32,
    "a_uint64": np.uint64,
    "an_fp32": np.float32,
    "an_fp64": np.float64,
}
client = InferenceServerClient(sys.argv[1].removeprefix("http://"))


def ask(model: str, tensors: dict[str, np.ndarray], outputs: list[str], coding: str | None) -> None:
    inputs = []
    for name, values in tensors.items():
        tensor = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        tensor.set_data_from_numpy(values, binary_data=False)
        inputs.append(tensor)
    wanted = [InferRequestedOutput(name, binary_data=False) for name in outputs]
    answer = client.infer(model, inputs, outputs=wanted, request_compression_algorithm=coding)
    for name in outputs:
        print(model, coding, name, answer.as_numpy(name).tolist())


random = np.random.default_rng(0)
for coding in (None, "gzip"):
    flowers = random.normal([5.8, 3.1, 3.8, 1.2], 0.8, size=(40, 4)).astype(np.float32)
    ask("iris", {"flowers": flowers}, ["species", "chances"], coding)
    whole = random.integers(0, 100, size=40)
    tensors = {
        name: (whole % 2 if kind is np.bool_ else whole).astype(kind)
        for name, kind in TYPES.items()
    }
    words = [("red", "green", "blue")[n % 3].encode() for n in whole]
    tensors["a_text"] = np.array(words, dtype=np.object_)
    ask("types", tensors, [f"{name}_back" for name in tensors], coding)
