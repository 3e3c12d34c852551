"""Tests here run the whole sidecar."""

from tests.fixtures import own_origin, pytest_runtest_makereport, start

__all__ = ["own_origin", "pytest_runtest_makereport", "start"]
