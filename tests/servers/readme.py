"""What an example's README tells a stranger to type.

Rule: the tests type the same, but for ports. A README has three steps, each one block of shell.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.harness import ROOT

EXAMPLES = ROOT / "examples"
NO_SERVERS = {"evidently"}
"""Examples of another kind, with tests of their own."""
FOLDERS = sorted(
    file.parent
    for file in EXAMPLES.glob("*/requirements.txt")
    if file.parent.name not in NO_SERVERS
)
ENVIRONMENT = "python3 -m venv .venv && . .venv/bin/activate"
INSTALL = "pip install -r requirements.txt"
ACTIVATE = ". .venv/bin/activate"
LOOK = "sleep 1; curl -s http://127.0.0.1:8901/api/v1/drift"
"""What passed is looked at a moment later; who pastes all lines at once would see nothing yet."""
SIDECAR = "http://127.0.0.1:8900"
"""Where clients find the sidecar, if nobody says where it shall listen."""
_STEP = re.compile(r"^## (\d)\. .*?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_UPSTREAM = re.compile(r"outrider run --upstream (http://127\.0\.0\.1:(80\d\d))")
_PORT = re.compile(r"\b80\d\d\b")


class Steps(NamedTuple):
    """Commands of the shell, to be typed in the example's folder."""

    prepare: list[str]
    """Before the server can start, such as training a model."""
    serve: str
    upstream: str
    """The server's URL."""
    ask: list[str]
    """Through the sidecar, at `SIDECAR`."""


def steps(folder: Path) -> Steps:
    """Of the example in this folder. Raises AssertionError where its README is of another form."""
    found = _STEP.findall((folder / "README.md").read_text())
    assert [number for number, _ in found] == ["1", "2", "3"], f"{folder.name}: not three steps"
    server, sidecar, client = (block.strip().replace("\\\n", "").splitlines() for _, block in found)
    assert server[:2] == [ENVIRONMENT, INSTALL], (
        f"{folder.name}: does not begin with an environment"
    )
    upstream = _UPSTREAM.fullmatch("\n".join(sidecar))
    assert upstream, f"{folder.name}: the sidecar is started with more, or less, than --upstream"
    assert client[0] == ACTIVATE, f"{folder.name}: the client has no environment"
    assert client[-1] == LOOK, f"{folder.name}: does not end with a look at the drift page"
    ask = client[1:-1]
    assert ask, f"{folder.name}: asks nothing"
    assert all(SIDECAR in line for line in ask), f"{folder.name}: asks past the sidecar"
    assert upstream[2] in server[-1], f"{folder.name}: the server's port is not told"
    return Steps(server[2:-1], server[-1], upstream[1], ask)


def ports(command: str) -> list[str]:
    """Those that a command names, 8000 to 8099, each once."""
    return list(dict.fromkeys(_PORT.findall(command)))
