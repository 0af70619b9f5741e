"""What `make gpu-bench` calls on a device, at tiny sizes: every figure is there and is what it says."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from measuring import device_contest, ensembles, on_device, ulps  # noqa: E402

from adcompiler import adjoint  # noqa: E402
from adcompiler.backends.cuda.device import arrays  # noqa: E402
from adcompiler.backends.cuda.libraries import linear_algebra as libraries  # noqa: E402


def test_bandwidth():
    found = on_device.bandwidth(0.01, 40)
    assert found.keys() == on_device.MOVED.keys() and min(found.values()) > 0


def test_overhead_counts_launches(monkeypatch):
    monkeypatch.setattr(on_device, "SMALL", {"mse": 5, "layer_norm": (2, 3)})
    found = on_device.overhead(0.01)
    assert found.keys() == {"mse", "layer_norm"}
    assert 1 <= found["mse"]["launches"] < found["layer_norm"]["launches"]
    assert all(f["call"] > 0 and f["graph"] > 0 for f in found.values())


def test_the_products_are_those_of_the_gradient(monkeypatch):
    """Those of the gradient come first; the sum over the examples is the one of both that is transposed."""
    called = []
    real = libraries.product

    def product(left, right, out, labels, rows, inner, columns):
        (first, second), result = labels.split("->")[0].split(","), labels.split("->")[1]
        called.append((first.index(inner), second.index(inner), result == rows + columns))
        real(left, right, out, labels, rows, inner, columns)

    loaded = [module for name, module in sys.modules.items() if name.startswith("adcompiler_generated_")]
    for module in (libraries, *loaded):  # programs that other tests have loaded call it, too
        if hasattr(module, "product"):
            monkeypatch.setattr(module, "product", product)
    monkeypatch.setattr(on_device, "timed", lambda calls, seconds: [call() for call in calls.values()])
    on_device.products(0.01, 6)
    assert len(called) == 10
    assert sorted(called[:5]) == sorted(called[5:])


def test_trajectories_are_one_thread_each():
    start = np.linspace(-1.0, 1.0, 3)
    source = adjoint(ensembles.energy, backend="cuda").source(start, 4)
    host = source[source.index("def energy_grad(") :]
    assert not re.search(r"^ *for ", host, re.MULTILINE)
    found = ensembles.measured(0.01, 3, 4)
    assert found["times"]["ours"] > 0


def test_a_step_is_that_of_runge_and_kutta(monkeypatch):
    """The error of a step is of order five: of half a step it is 32 times smaller."""

    def after(time, steps):
        monkeypatch.setattr(ensembles, "STEP", time / steps)
        state = 0.7, 0.2
        for _ in range(steps):
            state = ensembles.step(*state)
        return np.array(state)

    errors = [np.linalg.norm(after(h, 1) - after(h, 64)) for h in (0.1, 0.05)]
    assert errors[0] / errors[1] == pytest.approx(32, rel=0.1)


def test_a_contest_without_peers(monkeypatch):
    for name in ("jax", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    found = device_contest.held("layer_norm", [2, 3], 0.01)
    assert found["times"].keys() == {"ours"}
    assert {who for who in found["failed"]} == {"JAX", "PyTorch eager", "torch.compile"}


def test_gradients_that_are_wrong_are_not_timed(monkeypatch):
    to_host = arrays.to_host
    monkeypatch.setattr(arrays, "to_host", lambda x: to_host(x) * 1.001)
    assert "AssertionError" in device_contest.held("mse", 6, 0.01)["failed"]["ours"]


def test_differences_in_ulp():
    found = ulps.of("softmax_cross_entropy")
    assert found["cuda"] >= found["cuda, of the largest"] and found["numba, of the largest"] < 100
    assert ulps.measured(-1.0) == {}
