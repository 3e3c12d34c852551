"""llama.cpp's own server, with the little model of `model.py` or a GGUF file of yours.

python server.py --port 8000
python server.py --port 8000 --model Qwen3-0.6B-Q8_0.gguf
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path

import model
import xllamacpp


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description="OpenAI's and Anthropic's APIs by llama.cpp.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", type=Path, help="a GGUF file; by default a parrot")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.model or Path(folder, "parrot.gguf")
        if options.model is None:
            model.write(path)
        settings = xllamacpp.CommonParams()
        settings.model.path = str(path)
        settings.model_alias = {path.stem}
        settings.hostnames = ["127.0.0.1"]
        settings.port = options.port
        settings.n_ctx, settings.n_parallel = 32768, 2
        settings.embedding = True
        settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        server = xllamacpp.Server(settings)
        print(f"serving {path.stem} on {server.listening_address}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
