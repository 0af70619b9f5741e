"""Kernels as Python threads: a process of its own, NUMBA_ENABLE_CUDASIM=1 pytest tests/simulated."""

import os
import sys

import pytest

collect_ignore_glob = [] if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" else ["test_*.py"]

# A thread that waits at a barrier keeps the others waiting for this long, by default 5 ms.
if not collect_ignore_glob:
    sys.setswitchinterval(1e-5)


def pytest_collection_modifyitems(items):
    """NumPy warns in the threads of a kernel, where np.errstate does not reach; a device does not."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning"))
