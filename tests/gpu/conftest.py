"""What needs a GPU: `make gpu-test`, which runs tests/simulated there as well."""

import sys
from pathlib import Path

import pytest

from adcompiler.benchmarking.device import absent

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))


def pytest_configure():
    problem = absent()
    if problem is not None:
        raise pytest.UsageError(f"tests/gpu runs on a device: {problem}")
