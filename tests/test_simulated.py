"""Runs the tests of tests/simulated, which need another environment before Numba is imported."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "simulated"


def test_in_the_simulator():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FOLDER)]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):  # of the run around this one
        environment.pop(name, None)
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
