"""What runs where kernels run: in the simulator, with NUMBA_ENABLE_CUDASIM=1, or on a device.

Either takes a process of its own: Numba reads the environment when it is imported, and on a device what a
module's kernels were compiled with stays as it is.
"""

from pathlib import Path

import pytest

from adcompiler.backends.cuda.device import toolkit

ON_DEVICE = toolkit.missing() is None and not toolkit.simulated()
WHOLE = "pytestmark = pytest.mark.simulator\n"
"""In files with stand-ins for what a device has; some import parts of the simulator."""

FILES = Path(__file__).parent.glob("test_*.py")
collect_ignore = [file.name for file in FILES if ON_DEVICE and WHOLE in file.read_text()]


def pytest_configure():
    problem = toolkit.missing()
    if problem is not None:
        where = "on a device, or with NUMBA_ENABLE_CUDASIM=1"
        raise pytest.UsageError(f"tests/simulated runs {where}: {problem}")


WARNINGS = (
    ".* encountered in :RuntimeWarning",  # in threads of the simulator, where np.errstate does not reach
    "(?s).*(Grid size|Host array used in CUDA kernel)",  # on a device, of kernels that tests launch
)


def pytest_collection_modifyitems(items):
    for item in items:
        for warning in WARNINGS:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{warning}"))
        if ON_DEVICE and item.get_closest_marker("simulator"):
            item.add_marker(pytest.mark.skip("the simulator alone has what this is about"))


@pytest.fixture(scope="session", autouse=True)
def round_trip():
    """Programs are held to their texts by the tests around; here that would take most of the time."""
