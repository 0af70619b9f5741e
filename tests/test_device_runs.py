"""Where tests of the device run: not among the others, and nowhere without a device or its simulator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def collected(*arguments):
    """What pytest says where no device is to be seen: its exit code and both outputs."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    for name in ("NUMBA_ENABLE_CUDASIM", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


@pytest.mark.parametrize(
    ("folder", "where"),
    [("gpu", "on a device"), ("simulated", "on a device, or with NUMBA_ENABLE_CUDASIM=1")],
)
def test_without_a_device_one_line_says_what_is_missing(folder, where):
    code, out, err = collected(f"tests/{folder}")
    (line,) = err.strip().splitlines()
    assert (code, out.strip()) == (4, "")
    assert line.startswith(f"ERROR: tests/{folder} runs {where}: ")


def test_a_run_of_all_tests_has_none_of_them():
    code, out, _ = collected("tests", "--ignore-glob=tests/test_*.py")
    assert code == 5 and out.strip().startswith("no tests collected")
