"""A running Outrider, for what only a real one can show."""

from tests.fixtures import own_origin, pytest_runtest_makereport, start

__all__ = ["own_origin", "pytest_runtest_makereport", "start"]
