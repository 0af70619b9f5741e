"""What runs where kernels run: in the simulator, with NUMBA_ENABLE_CUDASIM=1, or on a device.

Either takes a process of its own: Numba reads the environment when it is imported, and on a device what a
module's kernels were compiled with stays as it is.
"""

import sys

import pytest

from adcompiler.backends.cuda import toolkit

# A thread that waits at a barrier keeps the others waiting for this long, by default 5 ms.
if toolkit.missing() is None and toolkit.simulated():
    sys.setswitchinterval(1e-5)


def pytest_configure():
    problem = toolkit.missing()
    if problem is not None:
        where = "on a device, or with NUMBA_ENABLE_CUDASIM=1"
        raise pytest.UsageError(f"tests/simulated runs {where}: {problem}")


def pytest_collection_modifyitems(items):
    """NumPy warns in the threads of a kernel, where np.errstate does not reach; a device does not."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning"))
        if item.get_closest_marker("simulator") and not toolkit.simulated():
            item.add_marker(pytest.mark.skip("the simulator alone has what this is about"))
