"""`checkpoint`: the numbers that there are without it, from less memory; and what is refused."""

import functools
import re
from collections import Counter

import numpy as np
import pytest
from checkpointed_functions import FUNCTIONS

import adcompiler
from adcompiler import (
    ArgumentError,
    CaptureError,
    adjoint,
    check_grads,
    checkpoint,
    grad,
    jvp,
    value_and_grad,
    vjp,
)
from adcompiler.ir.graph import walk

X = np.linspace(-1.0, 1.2, 6)
ROUNDED = {"systems"}
"""Their matrix is factored once for both sweeps where it is not checkpointed."""


def plain(f):
    return f


CASES = [*((make, "numpy") for make in FUNCTIONS), *((make, "numba") for make in FUNCTIONS[2::7])]


@pytest.mark.parametrize(("make", "backend"), CASES, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_numbers_are_those_without(make, backend):
    with np.errstate(all="ignore"):
        (value, bar), expected = (
            adjoint(make(dec), backend=backend).value_and_grad(X) for dec in (checkpoint, plain)
        )
        np.testing.assert_array_equal(make(checkpoint)(X), make(plain)(X))
    tolerance = 1e-14 if backend == "numba" or make.__name__ in ROUNDED else 0.0
    np.testing.assert_allclose(value, expected[0], rtol=tolerance)
    np.testing.assert_allclose(bar, expected[1], rtol=100 * tolerance, atol=tolerance)


# ---- less is kept ----


def ops(gradient, *args, stage="gradient"):
    """How often each op stands in a program."""
    return Counter(eqn.op.name for eqn in walk(gradient.programs(*args).stage(stage).body))


def chain(dec, blocks=16, layers=8):
    @dec
    def block(x, w):
        for _ in range(layers):
            x = np.tanh(x @ w)
        return x

    def loss(x, w):
        for _ in range(blocks):
            x = block(x, w)
        return np.sum(x * x)

    return loss


def rolled(dec):
    def loss(x, w, blocks):
        block = dec(lambda x: np.sin(np.cos(np.sin(x @ w) @ w)))
        for _ in range(blocks):
            x = block(x)
        return np.sum(x * x)

    return loss


def stacks(text):
    """The types of what the forward loop leaves for the reverse sweep."""
    return re.findall(r"\w+_tape\w*: (\S+\[.*?\])", text)


def test_a_deep_chain_takes_a_quarter_of_the_memory():
    x, w = np.zeros((500, 20)), np.zeros((20, 20))
    peak = {dec: adjoint(chain(dec), parallel=False).memory(x, w).peak for dec in (plain, checkpoint)}
    arrays = {dec: bytes / x.nbytes for dec, bytes in peak.items()}
    assert 120 < arrays[plain] and arrays[checkpoint] < 36
    assert not adjoint(chain(checkpoint)).memory(x, w).unknown


def whole_columns(x):
    return np.tanh(x) - np.mean(x, axis=0)


def moved_rows(x):
    y = np.tanh(x)
    return y + 0.1 * np.roll(y, 1, axis=0)


@pytest.mark.parametrize("layer", [whole_columns, moved_rows], ids=lambda layer: layer.__name__)
def test_loops_of_the_second_run_are_not_moved_to_the_first(layer):
    def loss(x):
        for _ in range(4):
            x = block(x)
        return np.sum(x * x)

    def block(x):
        for _ in range(4):
            x = layer(x)
        return x

    x = np.zeros((500, 20))
    before = adjoint(loss, parallel=False).memory(x).peak
    block = checkpoint(block)
    assert adjoint(loss, parallel=False).memory(x).peak < 0.7 * before


def test_what_is_run_again_is_there_twice():
    x, w = np.zeros((7, 6)), np.zeros((6, 6))
    assert ops(adjoint(chain(plain, 3, 2)), x, w)["tanh"] == 6
    found = ops(adjoint(chain(checkpoint, 3, 2)), x, w, stage="adjoint")
    assert (found["tanh"], found["call"]) == (12, 6)


def test_a_loop_keeps_what_the_function_is_called_with():
    x, w = np.zeros((7, 6)), np.zeros((6, 6))
    assert stacks(adjoint(rolled(plain)).ir(x, w, 20)) == ["f64[q, n, m]"] * 2
    assert stacks(adjoint(rolled(checkpoint)).ir(x, w, 20)) == ["f64[q, n, m]"]


def test_a_function_called_by_a_function_runs_once_more_for_each_run():
    inner = checkpoint(lambda x: np.sin(np.exp(x)))
    outer = checkpoint(lambda x: np.sum(inner(inner(x))))
    found = ops(adjoint(lambda x: outer(x)), X, stage="adjoint")
    # twice forward; in the reverse of `outer` its first call again, then each again for its own reverse
    assert found["exp"] == 5


def test_a_map_calls_the_checkpointed_function():
    f = checkpoint(lambda v: np.sin(np.exp(v)))
    assert ops(adjoint(lambda x: sum(map(np.sum, map(f, [x, x * 2.0])))), X)["call"] == 2


def test_a_map_calls_the_gradient():
    g = grad(lambda v: np.sum(v**3))
    np.testing.assert_allclose(grad(lambda x: sum(map(np.sum, map(g, [x, 2.0 * x]))))(X), 30.0 * X)


def test_arrays_of_another_size_in_each_trip_are_made_again():
    """Without it they would have to be stacked, which is refused."""

    @checkpoint
    def f(x):
        y = np.zeros(np.sum(x > 0.0))
        for i in range(len(y)):
            y[i] = np.sin(x[i]) * x[0]
        return x * np.cos(np.sum(y * y))

    def loss(x):
        for _ in range(9):
            x = f(x) - 0.05
        return np.sum(x)

    check_grads(loss, (X,), modes=["rev"], backend="numpy")


# ---- other derivatives ----


@pytest.fixture(scope="module")
def losses():
    def make(dec):
        f = dec(lambda x, w: np.tanh(w @ x) * np.cos(x))

        def loss(x, w):
            for _ in range(len(x)):
                x = f(x, w)
            return np.sum(x * x)

        return loss

    return make(checkpoint), make(plain)


W = np.linspace(-0.5, 0.7, 36).reshape(6, 6)


def same(one, other, rtol=1e-13):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-17)


def test_tangents_and_pullbacks(losses):
    dots = np.cos(X), 0.3 * W
    same(*(jvp(loss, (X, W), dots, backend="numpy") for loss in losses), rtol=0)
    (value, pull), (expected, other) = (vjp(loss, X, W, backend="numpy") for loss in losses)
    assert value == expected
    same(pull(1.5), other(1.5), rtol=0)
    same(pull(1.5), other(1.5), rtol=0)


def total(f):
    return lambda x, w: np.sum(f(x, w))


def hessian_times(loss):
    return lambda x, w: jvp(lambda a: grad(loss)(a, w), (x,), (np.cos(x),))[1]


def grad_of_tangent(loss):
    return grad(lambda x, w: jvp(lambda v: loss(x, v), (w,), (np.sin(w),))[1])


def grad_of_grad(loss):
    return grad(lambda x, w: np.sum(np.sin(grad(loss)(x, w))))


@pytest.mark.parametrize("second", [hessian_times, grad_of_tangent, grad_of_grad])
def test_second_derivatives(second, losses):
    one, other = (adjoint(total(second(loss)), backend="numpy").primal(X, W) for loss in losses)
    np.testing.assert_allclose(one, other, rtol=1e-13)


def test_second_derivatives_are_those_of_differences(losses):
    check_grads(losses[0], (X[:2], W[:2, :2]), order=2, backend="numpy")


def test_the_derivative_of_a_gradient_keeps_what_its_calls_are_given(losses):
    tapes = [stacks(adjoint(lambda x, w, f=f: np.sum(np.sin(grad(f)(x, w)))).ir(X, W)) for f in losses]
    assert [len(found) for found in tapes] == [4, 7]
    assert {*tapes[0]} == {"f64[n, n]"}


def test_it_is_proven_right(losses):
    verdict = adcompiler.verify(losses[0], X, W, argnums=(0, 1))
    assert verdict.ok and "partials proven" in str(verdict)


def test_aux_and_a_whole_function():
    f = checkpoint(lambda x: (np.sum(x**2), {"a": x}))
    (value, aux), bar = value_and_grad(f, has_aux=True)(X)
    assert (value, list(aux)) == (np.sum(X**2), ["a"])
    np.testing.assert_array_equal(bar, 2.0 * X)
    np.testing.assert_array_equal(adjoint(checkpoint(lambda x: np.sum(x**2)))(X), 2.0 * X)


def test_outside_of_a_capture_it_is_the_function():
    @checkpoint
    def scaled(x, *, by=2.0):
        """Scaled."""
        return [x * by]

    assert (scaled(3.0), scaled(3.0, by=3.0)) == ([6.0], [9.0])
    assert (scaled.__name__, scaled.__doc__) == ("scaled", "Scaled.")
    assert repr(scaled).startswith("<checkpointed ") and repr(scaled).endswith(".scaled>")


# ---- what is refused ----


def refused(f, kind=CaptureError):
    with pytest.raises(kind) as raised:
        adjoint(f)(X)
    first, *_, last = str(raised.value).splitlines()
    return re.sub(r"^.*?:\d+: ", "", first), last


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


def test_what_is_returned():
    whole = "hint: return numbers, arrays, or tuples, lists, dicts and dataclasses of them"
    makes = {
        "function": lambda x: lambda y: y,
        "generator": lambda x: (y for y in x),
        "set": lambda x: {1, 2},
        "Slotted": lambda x: Slotted(x),
    }
    for kind, make in makes.items():
        f = checkpoint(make)
        found = refused(lambda x, f=f: np.sum(x) * len([f(x)]))
        assert found == (f"`<lambda>`, which is checkpointed, returns a {kind}", whole)


def test_an_array_whose_size_it_computes():
    @checkpoint
    def positive(x):
        y = np.zeros(np.sum(x > 0.0))
        for i in range(len(y)):
            y[i] = x[i]
        return y

    assert refused(lambda x: np.sum(positive(x))) == (
        "`positive`, which is checkpointed, returns an array whose size it computes",
        "hint: compute the size before the call and hand it over, or return an array of known size",
    )


def test_what_python_would_keep():
    def loss(x):
        out = []
        checkpoint(lambda v: out.append(v))(x)
        return np.sum(out[0])

    message, _ = refused(loss)
    assert message == (
        "`.append()` changes a list made outside this checkpointed function: "
        "it would happen once, while tracing"
    )


def test_what_is_not_the_same_when_it_is_run_again():
    message, hint = refused(lambda x: np.sum(checkpoint(lambda v: v * np.random.rand())(x)))
    assert message == "`np.random.rand` gives another result at each call, or acts on files"
    assert hint == "hint: draw before, and pass the array as an argument"


def test_parts_of_one_array_of_which_one_is_written():
    @checkpoint
    def halves(x):
        h = x * 2.0
        return h[:3], h[2:]

    def loss(x):
        low, high = halves(x)
        low[0] = 1.0
        return np.sum(high)

    message, hint = refused(loss)
    assert message.startswith("`high` is read, but it may share memory with an array, which was written at ")
    assert hint == "hint: make a copy before: x.copy()"


def test_no_function():
    with pytest.raises(ArgumentError) as raised:
        checkpoint(3)
    assert str(raised.value) == "checkpoint takes a function, not 3\nhint: write checkpoint(f)(x)"


def test_a_partial_of_it_is_one():
    f = functools.partial(checkpoint(lambda k, x: np.sin(x) * k), 2.0)
    assert ops(adjoint(lambda x: np.sum(f(x))), X)["call"] == 1


def test_a_view_at_a_place_that_it_computes():
    part = checkpoint(lambda a: a[np.argmax(a) - 2 :][:2])

    def loss(x):
        a = x.copy()
        found = part(a)
        a[3] = 0.0
        return np.sum(found)

    message, _ = refused(loss)
    assert message.startswith("`found` is read, but it may share memory with ")


def test_what_is_unreadable_inside_is_so_outside():
    @checkpoint
    def write(a, b):
        c = a if a[0] > 0.0 else b
        c[0] = 1.0

    def loss(x):
        a = x * 2.0
        write(a, x.copy())
        return np.sum(a)

    message, _ = refused(loss)
    assert message.startswith("`a` is read, but it may share memory with `a if condition else b`")
