"""Kernels as Python threads: a process of its own, NUMBA_ENABLE_CUDASIM=1 pytest tests/simulated."""

import os

import pytest

collect_ignore_glob = [] if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" else ["test_*.py"]


def pytest_collection_modifyitems(items):
    """NumPy warns in the threads of a kernel, where np.errstate does not reach; a device does not."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning"))


@pytest.fixture(scope="session", autouse=True)
def round_trip():
    """Programs are held to their texts by the tests around; here that would take most of the time."""
