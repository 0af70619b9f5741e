"""What is missing for CUDA, what a device offers, PTX without one."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from adcompiler import adjoint
from adcompiler.backends.cuda.device import toolkit
from adcompiler.ir.errors import DeviceError

driver_module = pytest.importorskip("numba.cuda.cudadrv.driver", exc_type=ImportError)
INSTALL = 'pip install "adcompiler[cuda]"'


@pytest.fixture(autouse=True)
def asked_anew():
    for answer in (toolkit.missing, toolkit.limits, toolkit.cuda, toolkit.simulated):
        answer.cache_clear()
    yield
    for answer in (toolkit.missing, toolkit.limits, toolkit.cuda, toolkit.simulated):
        answer.cache_clear()


@pytest.fixture
def driver(monkeypatch):
    """A driver that works, with one H200, to be spoilt."""
    from numba import cuda

    names = ("X", "Y", "Z")
    device = SimpleNamespace(
        compute_capability=(9, 0),
        name="NVIDIA H200",
        MAX_THREADS_PER_BLOCK=1024,
        MAX_SHARED_MEMORY_PER_BLOCK=49152,
        MULTIPROCESSOR_COUNT=132,
        **{f"MAX_BLOCK_DIM_{n}": v for n, v in zip(names, (1024, 1024, 64), strict=True)},
        **{f"MAX_GRID_DIM_{n}": v for n, v in zip(names, (2**31 - 1, 65535, 65535), strict=True)},
    )
    found = SimpleNamespace(
        is_available=True,
        initialization_error=None,
        get_device_count=lambda: 1,
        get_version=lambda: (13, 0),
        get_device=lambda number: device,
        device=device,
    )
    context = SimpleNamespace(get_memory_info=lambda: SimpleNamespace(free=10, total=141 * 10**9))
    monkeypatch.setattr(driver_module, "driver", found)
    monkeypatch.setattr(cuda, "get_current_device", lambda: device)
    monkeypatch.setattr(cuda, "current_context", lambda: context)
    monkeypatch.setattr(cuda, "runtime", SimpleNamespace(get_version=lambda: (13, 5)))
    return found


def test_nothing_is_missing(driver):
    assert toolkit.missing() is None
    toolkit.demand_device()


@pytest.mark.parametrize("package", ["numba_cuda", "cuda.bindings", "cuda.core"])
def test_a_package_is_not_installed(package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    shown = package.replace("_", "-")
    assert toolkit.missing() == f"the package {shown} is not installed: {INSTALL}"
    assert (toolkit.versions(), toolkit.devices()) == ({}, [])
    with pytest.raises(DeviceError) as caught:
        toolkit.cuda()
    assert str(caught.value) == f"the package {shown} is not installed\nhint: {INSTALL}"


def test_no_part_of_nvidias_packages_is_installed(monkeypatch):
    def find(name):
        if name.startswith("cuda"):
            raise ModuleNotFoundError("No module named 'cuda'")
        return True

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert toolkit.missing() == f"the package cuda.bindings is not installed: {INSTALL}"


NOT_FOUND = "\nCUDA driver library cannot be found.\nEnsure that a compatible driver is installed.\n"
NO_DRIVER = "no NVIDIA driver is found: install one (CUDA 13 needs release 580 or later)"
NO_DEVICE = "the driver sees no device (CUDA_VISIBLE_DEVICES may hide it)"


def test_no_driver(driver):
    driver.is_available, driver.initialization_error = False, NOT_FOUND
    assert toolkit.missing() == NO_DRIVER
    with pytest.raises(DeviceError) as caught:
        toolkit.limits()
    assert str(caught.value) == (
        f'backend="cuda" cannot run here: {NO_DRIVER}\n'
        'hint: backend="numba" computes on the CPU; NUMBA_ENABLE_CUDASIM=1 simulates small kernels'
    )
    assert isinstance(caught.value, RuntimeError)


def test_users_without_a_driver(driver):
    """What is missing is said when a program is called; its source needs no device."""
    driver.is_available, driver.initialization_error = False, NOT_FOUND
    g = adjoint(lambda x: np.sum(x * x), backend="cuda")
    with pytest.raises(DeviceError) as caught:
        g(np.ones(3))
    assert str(caught.value) == (
        f'backend="cuda" cannot run here: {NO_DRIVER}\n'
        'hint: backend="numba" computes on the CPU; NUMBA_ENABLE_CUDASIM=1 simulates small kernels'
    )
    assert "@kernel" in g.source(np.ones(3))


def test_no_device(driver):
    driver.get_device_count = lambda: 0
    assert toolkit.missing() == NO_DEVICE


def test_the_driver_says_that_there_is_no_device(monkeypatch):
    from numba.cuda.cudadrv.error import CudaSupportError

    class Driver:
        initialization_error = "Call to cuInit results in CUDA_ERROR_NO_DEVICE (100)"

        @property
        def is_available(self):
            raise CudaSupportError("Error at driver init")

    monkeypatch.setattr(driver_module, "driver", Driver())
    assert toolkit.missing() == NO_DEVICE
    Driver.initialization_error = "CUDA is disabled due to setting NUMBA_DISABLE_CUDA=1 in the environment"
    toolkit.missing.cache_clear()
    assert toolkit.missing() == (
        "the NVIDIA driver does not start: CUDA is disabled due to setting NUMBA_DISABLE_CUDA=1 "
        "in the environment"
    )


def test_a_driver_that_is_older_than_the_toolkit(driver):
    driver.get_version = lambda: (12, 4)
    assert toolkit.missing() == (
        "the driver is for CUDA 12.4, and the toolkit is CUDA 13: update the driver, or "
        'pip install "numba-cuda[cu12]"'
    )


def test_a_device_that_is_too_old(driver):
    driver.device.compute_capability = (7, 0)
    assert toolkit.missing() == "the device has capability 7.0, and CUDA 13 needs 7.5"


def test_libraries_of_the_toolkit(driver, monkeypatch):
    from numba import cuda
    from numba.cuda.cudadrv import nvvm

    def broken():
        raise RuntimeError("libnvrtc.so.13 is not there")

    monkeypatch.setattr(nvvm, "is_available", lambda: False)
    assert toolkit.missing() == f"NVVM of the CUDA toolkit cannot be loaded: {INSTALL}"
    toolkit.missing.cache_clear()
    monkeypatch.setattr(cuda, "runtime", SimpleNamespace(get_version=broken))
    assert toolkit.missing() == (
        f"NVRTC of the CUDA toolkit cannot be loaded (libnvrtc.so.13 is not there): {INSTALL}"
    )


def test_limits_of_the_device(driver):
    driver.device.MULTIPROCESSOR_COUNT = 78
    found = toolkit.limits()
    assert (found.multiprocessors, found.memory, found.capability) == (78, 141 * 10**9, (9, 0))
    assert (found.threads, found.block, found.grid) == (1024, (1024, 1024, 64), (2**31 - 1, 65535, 65535))


def test_limits_of_any_device():
    assert toolkit.limits((8, 6)).capability == (8, 6)
    assert toolkit.limits((8, 6)).shared == 48 * 1024


def test_what_there_is(driver):
    assert toolkit.versions() == {"driver": "13.0", "toolkit": "13.5"}
    assert toolkit.devices() == ["NVIDIA H200 (9.0)"]


def test_ptx_needs_no_device():
    """Nor do the device functions that a kernel calls."""
    from numba import cuda, types

    @cuda.jit(device=True)
    def helper(x):
        return x + x

    def double(x, out):
        out[0] = helper(x[0])

    vector = types.Array(types.float64, 1, "C")
    text = toolkit.ptx(cuda.jit(double), (vector, vector), cc=(8, 0))
    assert ".target sm_80" in text and ".entry" in text and "add.f64" in text


def test_fastmath_reaches_the_compiler():
    from numba import types

    def divide(x):
        x[0] = types.float32(1.0) / x[0] if x[0] > 0 else x[0]

    vector = types.Array(types.float32, 1, "C")
    exact, quick = (toolkit.ptx(divide, (vector,), fastmath=fast) for fast in (False, True))
    assert "approx" not in exact and "approx" in quick


def test_small_grids_are_no_reason_to_warn():
    """The configuration of a kernel is made without its device."""
    from numba import cuda
    from numba.cuda.core import config

    class Kernel:
        def __getitem__(self, configuration):
            return configuration, config.CUDA_LOW_OCCUPANCY_WARNINGS

    before = config.CUDA_LOW_OCCUPANCY_WARNINGS
    assert toolkit.configured(Kernel(), 1, 32) == ((1, 32, 0, 0), 0)
    assert config.CUDA_LOW_OCCUPANCY_WARNINGS == before != 0
    assert cuda is toolkit.cuda()


def test_arrays_load_nothing_before_they_are_made():
    script = "import sys, adcompiler.backends.cuda.device.arrays; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert "adcompiler" in roots and roots.isdisjoint({"numba", "numba_cuda", "cuda"})
