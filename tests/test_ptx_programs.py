"""PTX of whole gradients: what is in the kernels of programs, which is read without a device."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ptx_kernels import double, local  # skips this module without the compiler of the toolkit

from adcompiler import adjoint, pipeline, vmap
from adcompiler.backends import Options, cuda_backend

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import kernels  # noqa: E402
import workloads  # noqa: E402


def ptx(function, args, argnums=0, **options):
    """The PTX of each kernel of a gradient."""
    program = adjoint(function, argnums=argnums).programs(*args).stage("gradient")
    return cuda_backend.ptx(pipeline.finished(program), Options(**options))


def in_single(args):
    return tuple(x.astype(np.float32) if getattr(x, "dtype", None) == np.float64 else x for x in args)


def adds_atomically(text):
    """Failed checks note which of them was first by a maximum of integers; nothing else is atomic."""
    return re.search(r"\b(atom|red)\.(?!\w+\.(\w+\.)*max\.[su])", text) is not None


def trajectory(y):
    for _ in range(1000):
        a = -y * y
        b = -(y + np.float32(0.05) * a) * y
        y = y + np.float32(0.1) * (a + b)
    return y


def ensemble(start):
    return np.sum(vmap(trajectory)(start))


@pytest.mark.parametrize("name", ["heat", "thomas", "lennard_jones"])
def test_loop_kernels_compile(name):
    kernel = kernels.load(name)
    for text in ptx(kernel.function, kernel.arguments(60), kernel.argnums).values():
        assert ".entry" in text
        assert not local(text)
        assert not adds_atomically(text)


@pytest.mark.parametrize(("name", "shape"), [("logsumexp", 50), ("layer_norm", (5, 7)), ("mse", 50)])
def test_programs_in_single_precision_stay_there(name, shape):
    workload = workloads.load(name)
    found = ptx(workload.function, in_single(workload.arguments(shape)), workload.argnums)
    assert found
    for text in found.values():
        assert ".f32" in text and not double(text)


def test_a_trajectory_is_one_thread_with_its_state_in_registers():
    found = list(ptx(ensemble, (np.ones(8, np.float32),)).values())
    assert len(found) == 3  # the trajectories, the cotangent of their sum, and the way back
    for text in found:
        assert not local(text) and not double(text)
