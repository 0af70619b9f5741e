"""What is told to NVIDIA's libraries of streams and memory, by stand-ins for their functions."""

import pytest

from adcompiler.backends.cuda.device import arrays, driver_memory, streams
from adcompiler.backends.cuda.device.pool import Pool
from adcompiler.backends.cuda.libraries import handles
from adcompiler.ir.errors import DeviceError

pytestmark = pytest.mark.simulator


class Functions:
    """Those of both libraries; `told` are the calls."""

    def __init__(self):
        self.told = []

    def create(self):
        return 7

    def create_params(self):
        return 8

    def set_stream(self, handle, stream):
        self.told.append(("stream", handle, stream))

    def set_workspace(self, handle, address, nbytes):
        self.told.append(("workspace", handle, address, nbytes))


@pytest.fixture
def functions(monkeypatch):
    found = Functions()
    monkeypatch.setattr(handles, "bindings", lambda library: found)
    return found


def test_a_stream_is_told_once_and_the_workspace_after_it(functions):
    blas = handles.Blas()
    there = ("workspace", 7, driver_memory.address(blas.workspace), handles.WORKSPACE)
    for _ in range(2):
        with blas.on_current_stream() as given:
            assert given is functions
    assert functions.told == [("stream", 7, 0), there]
    with streams.on(5, []), blas.on_current_stream():
        pass
    assert functions.told[2:] == [("stream", 7, 5), there]


def test_cusolver_has_parameters_and_no_workspace(functions):
    solver = handles.Solver()
    with solver.on_current_stream():
        assert functions.told == [("stream", 7, 0)]
    assert (solver.number, solver.parameters) == (7, 8)


def test_the_workspace_outlives_the_memory_of_a_recording(functions):
    recording = Pool()
    with arrays.memory_from(recording):
        blas = handles.Blas()
    del blas
    assert recording.idle_bytes == 0


def test_a_library_that_does_not_start(functions, monkeypatch):
    def create():
        raise RuntimeError("libcublas.so.13 is not there")

    monkeypatch.setattr(functions, "create", create)
    with pytest.raises(DeviceError) as caught:
        handles.Blas()
    assert str(caught.value) == (
        "cublas does not start: libcublas.so.13 is not there\n"
        'hint: pip install "adcompiler[cuda]"'
    )


def test_a_package_that_is_not_there(monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError(f"No module named {name.split('.')[0]!r}")

    monkeypatch.setattr(handles.importlib, "import_module", import_module)
    with pytest.raises(DeviceError) as caught:
        handles.bindings("cublasXt")
    assert str(caught.value) == (
        "the package nvmath-python cannot be loaded (No module named 'nvmath')\n"
        'hint: pip install "adcompiler[cuda]"'
    )
