"""check_grads: right derivatives pass at every order, wrong ones are named."""

import numpy as np
import pytest

from adcompiler import ArgumentError, check_grads
from adcompiler.ir.op import Partials
from adcompiler.ir.ops.trigonometric import cos, sin


def wave(x, w):
    return np.sum(np.sin(w * x) * x)


def orbit(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    return x


ARGS = (np.linspace(0.1, 1.0, 7), 0.7)


@pytest.fixture
def wrong_sine():
    """A planted error: the derivative of the sine has the wrong sign."""
    right = sin.derivative
    object.__setattr__(sin, "derivative", Partials(lambda x, y: [-cos(x)]))
    yield
    object.__setattr__(sin, "derivative", right)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("modes", [("fwd",), ("rev",), ("fwd", "rev")])
def test_right_derivatives_pass(order, modes):
    check_grads(wave, ARGS, order, modes)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_loop_passes(backend):
    check_grads(orbit, (0.3, 12), 2, backend=backend)


def test_single_precision_has_its_own_tolerance():
    check_grads(wave, (np.linspace(0.1, 1.0, 7, dtype=np.float32), np.float32(0.7)))


def test_trees_of_arguments_and_results():
    check_grads(lambda p: {"s": p["a"] * p["b"], "n": 3}, ({"a": 2.0, "b": np.ones(3)},), 2)


@pytest.mark.parametrize(
    ("mode", "message"),
    [("fwd", "the forward derivative is wrong for result 0"), ("rev", "the reverse derivative is wrong for")],
)
def test_a_wrong_derivative_is_named(mode, message, wrong_sine):
    with pytest.raises(AssertionError, match=message):
        check_grads(lambda x: np.sin(x) * 2.0, (0.5,), modes=(mode,), backend="numpy")


def test_tolerances_are_the_callers(wrong_sine):
    """The error of the derivative is 4 cos(0.5), about 3.5."""
    check_grads(lambda x: np.sin(x) * 2.0, (0.5,), atol=10.0, rtol=0.0, eps=1e-4, backend="numpy")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 0}, "there is no order 0"),
        ({"modes": ("reverse",)}, "there is no mode 'reverse'"),
        ({"bits": 64}, "unknown option 'bits'"),
    ],
)
def test_unusable_options(options, message):
    with pytest.raises(ArgumentError, match=message):
        check_grads(wave, ARGS, **options)
