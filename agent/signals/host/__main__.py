"""Prints what is seen of the host, as JSON: `python -m agent.signals.host --upstream URL`.

For people who wonder why a figure is missing, and for a look at a real GPU.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time

from agent.settings.units import Upstream
from agent.signals.host.sampler import Host
from agent.signals.host.shares import view

APART = 1.0
"""Seconds between the two samples that shares of time need."""


def main() -> None:
    """Two samples, and what they show; why a figure is missing is said on standard error."""
    parser = argparse.ArgumentParser(prog="python -m agent.signals.host", description=__doc__)
    parser.add_argument("--upstream", default="http://127.0.0.1:8000", help="the model server")
    parser.add_argument("--model", help="file or folder of the model")
    given = parser.parse_args()
    logging.basicConfig(level="DEBUG", format="%(message)s")
    host = Host(
        Upstream(given.upstream),
        every=APART,
        ours=lambda: [os.getpid()],
        paths=("/",),
        model_path=given.model,
        log=logging.getLogger("host"),
    )
    host.look()
    time.sleep(APART)
    host.look()
    print(json.dumps(view(host, time.time()), indent=2))


if __name__ == "__main__":
    main()
