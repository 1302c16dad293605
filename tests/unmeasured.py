"""A fixture for folders of tests whose processes are started by many other tests, too."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""By which coverage tells a new process to measure itself."""


@pytest.fixture(scope="module", autouse=True)
def unmeasured() -> Iterator[None]:
    """Processes that these tests start are not measured: a third of the time of PyTorch's and MLflow's imports."""
    configuration = os.environ.pop(VARIABLE, None)
    yield
    if configuration is not None:
        os.environ[VARIABLE] = configuration
