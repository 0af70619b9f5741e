"""The gradients written by hand that benchmarks compare with: against differences, and ours against them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from adcompiler import adjoint
from adcompiler.verification.differences import richardson

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import hand  # noqa: E402
import kernels  # noqa: E402

SMALL = {"heat": 30, "lstm": 6, "lennard_jones": 6, "hmm": 9}
FEW = 12


def kernel_and_arguments(name):
    kernel = kernels.load(name)
    return kernel, kernel.arguments(SMALL.get(name, FEW))


def as_tuple(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


@pytest.mark.parametrize("name", kernels.NAMES)
def test_by_hand_as_differences(name):
    kernel, args = kernel_and_arguments(name)
    wrt = as_tuple(kernel.argnums)
    rng = np.random.default_rng(0)
    gradients = as_tuple(hand.load(name)(*args))
    for _ in range(4):
        direction = [rng.normal(size=np.shape(args[k])) for k in wrt]

        def along(h, direction=direction):
            moved = list(args)
            for k, d in zip(wrt, direction, strict=True):
                moved[k] = args[k] + h * d
            return kernel.function(*moved)

        slope = sum(np.sum(g * d) for g, d in zip(gradients, direction, strict=True))
        estimate = richardson(along, step=1e-3)
        assert slope == pytest.approx(float(estimate.value), rel=1e-8)


@pytest.mark.parametrize("name", kernels.NAMES)
def test_ours_as_by_hand(name):
    kernel, args = kernel_and_arguments(name)
    ours = adjoint(kernel.function, argnums=kernel.argnums)(*args)
    for mine, by_hand in zip(as_tuple(ours), as_tuple(hand.load(name)(*args)), strict=True):
        np.testing.assert_allclose(mine, by_hand, rtol=1e-10, atol=1e-12)
