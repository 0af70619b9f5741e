"""`adcompiler bench` where kernels run: what is called on a device, and that the simulator is none."""

import numpy as np
import pytest

from adcompiler.benchmarking import device, machine, measure
from adcompiler.benchmarking.backends import Costs, Python
from adcompiler.benchmarking.machine import Ceilings
from adcompiler.benchmarking.measure import Patience
from adcompiler.benchmarking.on_device import Cuda
from adcompiler.benchmarking.workload import Workload
from adcompiler.cli import main
from adcompiler.ir.errors import DeviceMemoryError


def loss(x, scale, written):
    written += x
    return np.sum(np.sin(written) * scale)


def workload(n=6):
    values = np.linspace(0.0, 1.0, n), 2.0, np.ones(n)
    return Workload(loss, ("x", "scale", "written"), values, ("x", "scale"), n, writes=True)


def rows(runner=None):
    costs = Costs(loss, ("x", "scale")).of(workload())
    runners = [Python(), runner or Cuda("cuda", loss, ("x", "scale"))]
    return list(measure.measured(workload(), runners, costs, 0.02, Patience()))


def test_calls_have_their_arguments_there_and_results_agree(monkeypatch):
    copied = []
    to_host = device.arrays.to_host
    monkeypatch.setattr(device.arrays, "to_host", lambda x: copied.append(tuple(x.shape)) or to_host(x))
    python, primal, gradient = rows()
    assert [(r.runner, r.program, r.note, r.problem) for r in (python, primal, gradient)] == [
        ("python", "primal", "", ""),
        ("cuda", "primal", "", ""),
        ("cuda", "gradient", "", ""),
    ]
    assert (python.to_device, python.to_host) == (None, None)
    assert primal.to_device > 0 and primal.to_host == 0.0  # of its results one is a number, and one is None
    assert gradient.to_device > 0 and gradient.to_host > 0
    assert (6,) in copied


def test_what_has_no_room_on_the_device_is_a_row_without_times():
    class Full(Cuda):
        def prepare(self, workload, program):
            raise DeviceMemoryError(2**40, 2**30)

    found = rows(Full("cuda", loss, ("x", "scale")))
    primal, gradient = (row for row in found if row.runner == "cuda")
    assert primal.steady is gradient.steady is None
    assert gradient.problem.startswith("cannot run it: DeviceMemoryError: ")


@pytest.mark.simulator
def test_ceilings_are_measured_where_kernels_run():
    found = device.measured(0.01, copied=2**12, order=8)
    assert (found.name, found.copied) == ("simulator", 2**12)
    assert found.bandwidth == found.copy > 0 and found.matmul > 0


@pytest.mark.simulator
def test_times_of_the_simulator_are_no_devices(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(machine, "measured", lambda threads: Ceilings(threads, 2**29, 10.0, 20.0, 50.0))
    (tmp_path / "user.py").write_text("def square(x):\n    return x * x\n")
    command = ["bench", f"{tmp_path / 'user.py'}:square", "--arg", "x=2.0"]
    with pytest.raises(SystemExit):
        main([*command, "--backends", "cuda", "--seconds", "0.01"])
    out = capsys.readouterr().out.splitlines()
    assert "device not measured: kernels run in the simulator" in out
    assert "cuda  gradient  -  not measured: kernels run in the simulator" in out
