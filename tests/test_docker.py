from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.settings.loading import load

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "docker" / "Dockerfile"
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


def test_image_listens_to_all_addresses() -> None:
    env = dict(
        part.split("=", 1)
        for part in DOCKERFILE.read_text().replace("\\\n", " ").split()
        if part.startswith("OUTRIDER_")
    )
    config = load(None, env)
    assert {config.listen.host, config.admin.listen.host, config.health.host} == {"0.0.0.0"}


@pytest.mark.skipif(
    sys.platform != "linux" or HADOLINT is None, reason="hadolint has no package for this machine"
)
def test_dockerfile_is_clean() -> None:
    assert HADOLINT
    done = subprocess.run([HADOLINT, str(DOCKERFILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
