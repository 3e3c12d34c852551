"""Faults are made on an Outrider of the test's own."""

from tests.fixtures import own_origin, pytest_runtest_makereport, start

__all__ = ["own_origin", "pytest_runtest_makereport", "start"]
