"""What is written by hand for benchmarks to compare with: against differences, and ours against it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from adcompiler import adjoint
from adcompiler.verification.differences import richardson

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import hand  # noqa: E402
import kernels  # noqa: E402
import workloads  # noqa: E402
from peers import ourselves  # noqa: E402

SMALL = {"heat": 30, "lstm": 6, "lennard_jones": 6, "hmm": 9}


def kernel_and_arguments(name):
    kernel = kernels.load(name)
    return kernel, kernel.arguments(SMALL.get(name, 12))


def as_tuple(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


def slopes(function, argnums, args, gradients):
    """Along random directions: the gradient times the direction, and the difference quotient."""
    wrt, rng = as_tuple(argnums), np.random.default_rng(0)
    for _ in range(4):
        direction = [rng.normal(size=np.shape(args[k])) for k in wrt]

        def along(h, direction=direction):
            moved = list(args)
            for k, d in zip(wrt, direction, strict=True):
                moved[k] = args[k] + h * d
            return function(*moved)

        slope = sum(np.sum(g * d) for g, d in zip(as_tuple(gradients), direction, strict=True))
        yield slope, float(richardson(along, step=1e-3).value)


@pytest.mark.parametrize("name", kernels.NAMES)
def test_by_hand_as_differences(name):
    kernel, args = kernel_and_arguments(name)
    for slope, estimate in slopes(kernel.function, kernel.argnums, args, hand.load(name)(*args)):
        assert slope == pytest.approx(estimate, rel=1e-8)


@pytest.mark.parametrize("name", kernels.NAMES)
def test_ours_as_by_hand(name):
    kernel, args = kernel_and_arguments(name)
    ours = adjoint(kernel.function, argnums=kernel.argnums)(*args)
    for mine, by_hand in zip(as_tuple(ours), as_tuple(hand.load(name)(*args)), strict=True):
        np.testing.assert_allclose(mine, by_hand, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", workloads.NAMES)
def test_workloads_by_hand(name):
    workload, args = workloads.small(name)
    assert hand.load_primal(name)(*args) == pytest.approx(workload.function(*args), rel=1e-12)


@pytest.mark.parametrize("name", workloads.gradients())
def test_workloads_by_hand_as_differences(name):
    workload, args = workloads.small(name)
    for slope, estimate in slopes(workload.function, workload.argnums, args, hand.load(name)(*args)):
        assert slope == pytest.approx(estimate, rel=1e-8)


def test_hessian_of_kmeans_by_hand_as_differences():
    _, (centroids, points, direction) = workloads.small("kmeans_hvp")
    ahead, behind = (hand.load("kmeans")(centroids + h * direction, points) for h in (1e-3, -1e-3))
    product = hand.load("kmeans_hvp")(centroids, points, direction)
    np.testing.assert_allclose(product, (ahead - behind) / 2e-3, rtol=1e-9)


@pytest.mark.parametrize("name", workloads.NAMES)
def test_workloads_as_by_hand(name):
    workload, args = workloads.small(name)
    ours = ourselves.derivative(workload)[1](*args)
    for mine, by_hand in zip(as_tuple(ours), as_tuple(hand.load(name)(*args)), strict=True):
        np.testing.assert_allclose(mine, by_hand, rtol=1e-9, atol=1e-11)
