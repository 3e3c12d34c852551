"""Asks in V1, and with Triton's client in V2's JSON and binary forms: python ask.py URL"""

import json
import sys
import urllib.request

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
    "an_fp16": np.float16,  # in the binary form alone
    "an_fp32": np.float32,
    "an_fp64": np.float64,
}
url = sys.argv[1]
client = InferenceServerClient(url.removeprefix("http://"))


def predict(instances: list[list[float]]) -> None:
    """V1."""
    body = json.dumps({"instances": instances}).encode()
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/models/iris-v1:predict", body, head)
    with urllib.request.urlopen(request, timeout=30) as answer:
        print("iris-v1", answer.read().decode())


def infer(model: str, tensors: dict[str, np.ndarray], outputs: list[str], *, binary: bool) -> None:
    """V2."""
    inputs = []
    for name, values in tensors.items():
        tensor = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    wanted = [InferRequestedOutput(name, binary_data=binary) for name in outputs]
    # KServe takes what says nothing, as this client does, for the binary form.
    head = {} if binary else {"Content-Type": "application/json"}
    answer = client.infer(model, inputs, outputs=wanted, headers=head)
    for name in outputs:
        print(model, "binary" if binary else "JSON", name, answer.as_numpy(name).tolist())


random = np.random.default_rng(0)
flowers = random.normal([5.8, 3.1, 3.8, 1.2], 0.8, size=(40, 4)).round(2)
predict(flowers.tolist())
whole = random.integers(0, 100, size=40)
for binary in (False, True):
    named = {"flowers": flowers.astype(np.float32)}
    infer("iris-v2", named, ["species", "chances"], binary=binary)
    tensors = {
        name: (whole % 2 if kind is np.bool_ else whole).astype(kind)
        for name, kind in TYPES.items()
        if binary or kind is not np.float16
    }
    words = [("red", "green", "blue")[n % 3].encode() for n in whole]
    tensors["a_text"] = np.array(words, dtype=np.object_)
    infer("types", tensors, [f"{name}_back" for name in tensors], binary=binary)
