from tests.fixtures import pytest_runtest_makereport, start

__all__ = ["pytest_runtest_makereport", "start"]
