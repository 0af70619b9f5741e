"""What runs where kernels run: in the simulator, with NUMBA_ENABLE_CUDASIM=1, or on a device.

Either takes a process of its own: Numba reads the environment when it is imported, and on a device what a
module's kernels were compiled with stays as it is.
"""

from pathlib import Path

import pytest

from adcompiler.backends.cuda import toolkit

ON_DEVICE = toolkit.missing() is None and not toolkit.simulated()
WHOLE = "pytestmark = pytest.mark.simulator\n"
"""In files with stand-ins for what a device has; some import parts of the simulator."""

collect_ignore = [p.name for p in Path(__file__).parent.glob("test_*.py") if ON_DEVICE and WHOLE in p.read_text()]


def pytest_configure():
    problem = toolkit.missing()
    if problem is not None:
        where = "on a device, or with NUMBA_ENABLE_CUDASIM=1"
        raise pytest.UsageError(f"tests/simulated runs {where}: {problem}")


def pytest_collection_modifyitems(items):
    """NumPy warns in the threads of a kernel, where np.errstate does not reach; a device does not."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning"))
        if ON_DEVICE and item.get_closest_marker("simulator"):
            item.add_marker(pytest.mark.skip("the simulator alone has what this is about"))


@pytest.fixture(scope="session", autouse=True)
def round_trip():
    """Programs are held to their texts by the tests around; here that would take most of the time."""
