"""`out=`: gradients in arrays that the caller brings."""

from dataclasses import dataclass

import numpy as np
import pytest

import adcompiler
from adcompiler import ArgumentError, adjoint

X = np.linspace(0.5, 2.0, 6)
BACKENDS = pytest.mark.parametrize("backend", ["numba", "numpy"])
SHIFT = np.linspace(0.0, 1.0, 6)


def norm(x):
    return np.sum(x * x)


def product(x, y):
    return np.sum(x * y)


def shifted(x):
    return np.sum((x + SHIFT) ** 2)


@BACKENDS
def test_the_gradient_of_one_array_is_made_in_the_array_given(backend):
    g = adjoint(norm, backend=backend)
    out = np.full(6, np.nan)
    assert g(X, out=out) is out
    np.testing.assert_array_equal(out, g(X))
    value, gradient = g.value_and_grad(2.0 * X, out=out)
    assert gradient is out
    np.testing.assert_allclose(value, 4.0 * np.sum(X * X))
    np.testing.assert_array_equal(out, 4.0 * X)


def test_compiled_code_writes_there_without_another_array(monkeypatch):
    g = adjoint(norm)
    g(X)
    made = []
    empty = np.empty
    monkeypatch.setattr(np, "empty", lambda *args: made.append(args) or empty(*args))
    out = empty(6)
    g(X, out=out)
    assert made == []
    g(X)
    assert made == [(6,)]


@BACKENDS
def test_of_several_arrays_a_tuple_with_none_for_what_is_to_be_made(backend):
    g = adjoint(product, argnums=(0, 1), backend=backend)
    y, out = np.sin(X), np.empty(6)
    first, second = g(X, y, out=(None, out))
    assert second is out
    np.testing.assert_array_equal(first, y)
    np.testing.assert_array_equal(out, X)
    outs = np.empty((2, 6))
    first, second = g(X, y, out=tuple(outs))
    np.testing.assert_array_equal(outs, [y, X])
    assert np.shares_memory(first, outs)
    fresh = g(X, y, out=None)
    np.testing.assert_array_equal(fresh, [y, X])


@dataclass
class Line:
    slope: np.ndarray
    offset: float
    name: str = "line"


def residual(line, x):
    return np.sum((line.slope * x + line.offset) ** 2)


def of_weights(weights, x):
    return np.sum(weights["w"] * x) * weights["b"]


def test_structures():
    g = adjoint(of_weights)
    out = np.empty(6)
    found = g({"w": X, "b": 2.0}, X, out={"w": out, "b": None})
    assert found["w"] is out
    np.testing.assert_array_equal(out, 2.0 * X)
    assert found["b"] == np.sum(X * X)
    line = adjoint(residual)(Line(X, 0.5), X, out=Line(out, None, None))
    assert line.slope is out
    assert line.name is None
    named = adjoint(product, argnames=["y"])(X, y=X, out={"y": out})
    assert named["y"] is out


def test_a_number_goes_into_an_array_of_rank_0():
    out = np.empty(())
    found = adjoint(of_weights)({"w": X, "b": 2.0}, X, out={"w": None, "b": out})
    assert found["b"] is out
    assert out == np.sum(X * X)
    point = np.array(3.0)
    assert adjoint(norm)(point, out=out) is out
    assert out == 6.0


@BACKENDS
def test_arrays_that_are_not_contiguous_are_filled(backend):
    g = adjoint(norm, backend=backend)
    whole = np.zeros((6, 3))
    for out in (whole[:, 1], np.empty(12)[::-2]):
        assert g(X, out=out) is out
        np.testing.assert_array_equal(out, 2.0 * X)
    np.testing.assert_array_equal(whole[:, [0, 2]], 0.0)
    matrix = np.arange(6.0).reshape(2, 3)
    fortran = np.empty((2, 3), order="F")
    np.testing.assert_array_equal(g(matrix, out=fortran), 2.0 * matrix)


def test_arrays_in_files_are_filled(tmp_path):
    out = np.memmap(tmp_path / "gradient", np.float64, "w+", shape=(6,))
    assert adjoint(norm)(X, out=out) is out
    np.testing.assert_array_equal(out, 2.0 * X)


def refused(message, function, *args, **kwargs):
    with pytest.raises(ArgumentError) as error:
        function(*args, **kwargs)
    assert error.value.message == message


def test_what_does_not_fit_is_refused():
    g = adjoint(norm)
    before = X.copy()
    refused("out for `x` has shape (5,), where the result has (6,)", g, X, out=np.empty(5))
    refused("out for `x` has shape (6, 1), where the result has (6,)", g, X, out=np.empty((6, 1)))
    refused("out for `x` is of dtype float32, where the result is float64", g, X, out=np.empty(6, np.float32))
    refused("out for `x` is of dtype >f8, where the result is float64", g, X, out=np.empty(6, ">f8"))
    refused("out for `x` is a float, where an array of float64 is expected", g, X, out=1.0)
    locked = np.empty(6)
    locked.flags.writeable = False
    refused("out for `x` is read-only", g, X, out=locked)
    both = adjoint(product, argnums=(0, 1))
    refused("out must be a tuple like the gradient, of 2 entries", both, X, X, out=np.empty(6))
    refused("out must be a tuple like the gradient, of 2 entries", both, X, X, out=(None,))
    named = adjoint(product, argnames=["y"])
    refused("out must be a dict like the gradient, with the keys y", named, X, X, out={"x": None})
    message = "out for `line` has an array where the gradient is None: that is no float"
    refused(message, adjoint(residual), Line(X, 0.5), X, out=Line(None, None, np.empty(6)))
    np.testing.assert_array_equal(X, before)


def test_memory_that_the_call_reads_is_refused():
    g = adjoint(norm)
    x = X.copy()
    refused("out for `x` shares memory with `x`", g, x, out=x)
    whole = np.linspace(0.0, 1.0, 12)
    refused("out for `x` shares memory with `x`", g, whole[::2], out=whole[:6])
    np.testing.assert_array_equal(g(whole[::2], out=whole[1::2]), 2.0 * whole[::2])
    refused("out for `x` shares memory with `SHIFT`", adjoint(shifted), X, out=SHIFT)
    both, out = adjoint(product, argnums=(0, 1)), np.empty(7)
    message = "out for `y` shares memory with out for `x`"
    refused(message, both, X, x, out=(out[:6], out[1:]))
    refused("out for `y` shares memory with `x`", both, x, X, out=(None, x))


def test_a_function_with_an_argument_out_keeps_it():
    def own(x, out):
        return np.sum(x * out)

    def any_names(x, **named):
        return np.sum(x * named["out"])

    for function in (own, any_names):
        np.testing.assert_array_equal(adjoint(function)(X, out=SHIFT), SHIFT)


def test_relatives_take_it():
    out = np.empty(6)
    assert adcompiler.grad(norm)(X, out=out) is out
    _, gradient = adcompiler.value_and_grad(norm)(X, out=out)
    assert gradient is out
    with_aux = adcompiler.grad(lambda x: (np.sum(x * x), x), has_aux=True)
    gradient, aux = with_aux(X, out=out)
    assert gradient is out
    np.testing.assert_array_equal(aux, X)


def test_a_method_takes_it():
    class Model:
        scale = 3.0

        @adjoint
        def loss(self, x):
            return self.scale * np.sum(x * x)

    out = np.empty(6)
    assert Model().loss(X, out=out) is out
    np.testing.assert_allclose(out, 6.0 * X)
