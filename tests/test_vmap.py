"""`vmap`: what a Python loop over the elements and `np.stack` give, with derivatives; and what is refused."""

import functools
import re

import hypothesis.strategies as st
import numpy as np
import optree
import pytest
from hypothesis import given, settings
from mapped_functions import FUNCTIONS, MATRICES, OTHERS, ROWS, WEIGHTS, Body, runge_kutta

from adcompiler import (
    AdcompilerError,
    ArgumentError,
    CaptureError,
    ShapeError,
    adjoint,
    check_grads,
    checkpoint,
    compilations,
    grad,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)
from adcompiler.backends import BACKENDS
from adcompiler.frontend.arguments import NAMESPACE, flatten
from adcompiler.ir.integers import integers
from adcompiler.ir.parallel import Parallel, parallel


def elements(args, in_axes):
    """The arguments of each call; `in_axes` has one entry an argument."""
    flatten(args)
    axes = optree.broadcast_prefix(in_axes, args, none_is_leaf=True, namespace=NAMESPACE)
    leaves, tree = optree.tree_flatten(args, namespace=NAMESPACE)
    n = next(np.shape(leaf)[axis] for axis, leaf in zip(axes, leaves, strict=True) if axis is not None)
    for i in range(n):
        own = [
            leaf if axis is None else np.take(leaf, i, axis)
            for axis, leaf in zip(axes, leaves, strict=True)
        ]
        yield optree.tree_unflatten(tree, own)


def stacked(f, args, in_axes, out_axis=0):
    """The oracle."""
    each = [f(*own) for own in elements(args, in_axes)]
    flatten(each[0])
    return optree.tree_map(lambda *parts: np.stack(parts, out_axis), *each, namespace=NAMESPACE)


def assert_same(found, expected, rtol=1e-13):
    (leaves, tree), (wanted, wanted_tree) = flatten(found), flatten(expected)
    assert tree == wanted_tree
    for leaf, want in zip(leaves, wanted, strict=True):
        assert (leaf.dtype, leaf.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(leaf, want, rtol=rtol, atol=rtol)


# ---- values ----


COMPILED = ("parts", "recurrence", "newton", "branches", "systems", "body", "nested")
CASES = [*((name, "numpy") for name in FUNCTIONS), *((name, "numba") for name in COMPILED)]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_a_call_for_each_element(name, backend):
    f, in_axes, args = FUNCTIONS[name]
    axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    assert_same(vmap(f, in_axes, backend=backend)(*args), stacked(f, args, axes), 1e-12)


@st.composite
def mapped_arrays(draw):
    """Two arrays, of which one at least is mapped, their axes, and the axis of the results."""
    n = draw(st.sampled_from([1, 3, 5, 7]))
    arrays, axes = [], []
    for first in (True, False):
        shape = draw(st.lists(st.sampled_from([1, 2, 5]), max_size=2))
        axis = draw(st.none() | st.integers(-len(shape) - 1, len(shape)))
        if axis is None and first:
            axis = 0
        if axis is not None:
            shape.insert(axis if axis >= 0 else axis + len(shape) + 1, n)
        arrays.append(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape))
        axes.append(axis)
    rank = arrays[0].ndim - 1
    order = draw(st.permutations([0, 1]))
    return [arrays[k] for k in order], tuple(axes[k] for k in order), draw(st.integers(-rank - 1, rank))


@pytest.mark.filterwarnings("ignore::adcompiler.frontend.specialise.SpecialisationWarning")
@settings(max_examples=30)
@given(mapped_arrays())
def test_axes(drawn):
    args, in_axes, out_axis = drawn
    first = 0 if in_axes[0] is not None and args[0].ndim - 1 >= max(-out_axis - 1, out_axis) else 1
    inner = args[first].ndim - (in_axes[first] is not None)
    out_axis = min(max(out_axis, -inner - 1), inner)

    def f(a, b):
        return (a, b)[first] * 2.0 + np.sum(a) * np.sum(b)

    found = vmap(f, in_axes, out_axis, backend="numpy")(*args)
    assert_same(found, stacked(f, tuple(args), in_axes, out_axis))


def test_trees_of_axes():
    def f(bodies, w, *rest, scale):
        return [bodies["a"].place * w, (bodies["b"] * scale, rest[0])]

    bodies = {"a": Body(ROWS.T, 1.0), "b": OTHERS}
    in_axes = ({"a": Body(-1, None), "b": 0}, None, 1)
    found = vmap(f, in_axes, [1, (-1, 0)], backend="numpy")(bodies, WEIGHTS, ROWS.T, scale=ROWS[:, 0])
    assert_same(found, [(ROWS * WEIGHTS).T, ((OTHERS * ROWS[:, :1]).T, ROWS)])
    _, (_, last) = vmap(f, list(in_axes), 0, backend="numpy")(bodies, WEIGHTS, ROWS.T, scale=ROWS[:, 0])
    assert_same(last, ROWS)


def test_defaults_are_not_mapped():
    assert_same(vmap(lambda row, n=2, w=WEIGHTS: row**n * w)(ROWS), ROWS**2 * WEIGHTS)


def test_calls_that_nest():
    table = vmap(vmap(lambda a, b: a * b + a, (None, 0)), (0, None), backend="numpy")
    assert_same(table(WEIGHTS, ROWS[:, 0]), WEIGHTS[:, None] * ROWS[:, 0] + WEIGHTS[:, None])
    found = vmap(vmap(np.linalg.det), backend="numpy")(MATRICES[None])
    assert_same(found, np.linalg.det(MATRICES)[None], 1e-12)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_no_element_is_a_loop_without_trips(backend):
    f, in_axes, _ = FUNCTIONS["recurrence"]
    out, rest = vmap(f, in_axes, backend=backend)(np.zeros((0, 5)), 2)
    assert (out.shape, rest["last"].shape, rest["power"].dtype) == ((0, 5), (0,), np.int64)
    bars = adjoint(lambda y, k: np.sum(vmap(runge_kutta, (0, None))(y, k)), (0, 1), backend=backend)
    assert_same(bars(np.zeros(0), 1.0), (np.zeros(0), np.float64(0.0)))


def test_one_program_for_all_lengths():
    def loss(x, w):
        return np.sum(vmap(lambda row: row * w - x[0])(x) ** 2)

    mapped, gradient = vmap(runge_kutta, (0, None), backend="numba"), adjoint(loss)
    runge_kutta_each = [stacked(runge_kutta, (ROWS[:n, 0], 0.7), (0, None)) for n in (5, 6)]
    mapped(ROWS[:, 0], 0.7), gradient(ROWS, WEIGHTS)
    before = compilations()
    assert mapped(np.zeros(0), 0.7).shape == (0,)
    assert_same(mapped(ROWS[:5, 0], 0.7), runge_kutta_each[0])
    assert_same(mapped(np.tile(ROWS[:, 0], 50), 0.7)[:6], runge_kutta_each[1])
    assert gradient(np.zeros((0, 5)), WEIGHTS).shape == (0, 5)
    assert gradient(np.zeros((300, 5)), WEIGHTS).shape == (300, 5)
    assert compilations() == before
    assert gradient.specialisations == 1


def test_it_is_a_loop_of_independent_trips():
    f = vmap(lambda row, w: np.sum(row * w), (0, None))
    text = adjoint(f).ir(ROWS, WEIGHTS, stage="primal")
    assert re.findall(r"= for (.*?) \{(.*?)\}", text) == [("args_0", "length=n")]
    gradient = adjoint(lambda x, w: np.sum(f(x, w) ** 2), (0, 1)).programs(ROWS, WEIGHTS).stage("gradient")
    known = integers(gradient.body)
    found = [parallel(eqn, known) for eqn in gradient.body.eqns if eqn.op.name == "for"]
    assert found == [Parallel((), ()), Parallel((), (0,))]  # trips share the sum that is the adjoint of w


def test_what_needs_nothing_mapped_is_computed_in_each_call():
    text = adjoint(vmap(lambda row, w: row * np.exp(w), (0, None))).ir(ROWS, WEIGHTS, stage="primal")
    assert re.search(r"= for .*\n(    .*\n)*    .* = exp args_1", text)


# ---- derivatives ----

DIFFERENTIABLE = ("recurrence", "branches", "trips", "systems", "nested")


def first_leaf(tree):
    return optree.tree_leaves(tree, namespace=NAMESPACE)[0]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives_are_those_of_the_loop(name):
    f, in_axes, args = FUNCTIONS[name]
    wrt = tuple(k for k, x in enumerate(args) if isinstance(x, float) or getattr(x, "dtype", "") == "f8")

    def mapped(*args):
        out = vmap(f, in_axes)(*args)
        return np.sum(np.sin(out[0] if isinstance(out, tuple) else out))

    def written_out(*args):
        s = 0.0
        for i in range(6):
            own = [x if axes[k] is None else x[i] for k, x in enumerate(args)]
            out = f(*own)
            s = s + np.sum(np.sin(out[0] if isinstance(out, tuple) else out))
        return s

    axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    found, expected = (adjoint(g, wrt, backend="numpy").value_and_grad(*args) for g in (mapped, written_out))
    assert_same(found, expected, 1e-12)


@pytest.mark.parametrize(("f", "backend"), [(runge_kutta, "numba"), (checkpoint(runge_kutta), "numpy")])
def test_differences(f, backend):
    check_grads(lambda y, k: np.sum(vmap(f, (0, None))(y, k) ** 2), (ROWS[:, 0], 1.3), backend=backend)


def test_differences_of_higher_order_along_other_axes():
    def loss(a, b):
        return np.sum(vmap(lambda u, v: v[0] * u**2, (1, -1), 1)(a, b))

    check_grads(loss, (ROWS[:, :2].T, OTHERS[:, :1].T), order=2, backend="numpy")


def test_derivatives_from_outside():
    f = vmap(lambda row, w: np.sin(row) * w, (0, None), backend="numpy")
    ones = np.ones_like(ROWS)
    _, moved = jvp(f, (ROWS, WEIGHTS), (ones, WEIGHTS), backend="numpy")
    assert_same(moved, np.cos(ROWS) * WEIGHTS + np.sin(ROWS) * WEIGHTS)
    value, pull = vjp(f, ROWS, WEIGHTS, backend="numpy")
    assert_same((value, pull(ones)), (f(ROWS, WEIGHTS), (np.cos(ROWS) * WEIGHTS, np.sin(ROWS).sum(0))), 1e-12)


def test_derivatives_inside():
    cubes, mapped = lambda row: np.sum(row**3), functools.partial(vmap, backend="numpy")
    assert_same(mapped(value_and_grad(cubes))(ROWS), ((ROWS**3).sum(1), 3.0 * ROWS**2))
    with_aux = grad(lambda row: (np.sum(row**3), row[0]), has_aux=True)
    assert_same(mapped(with_aux)(ROWS), (3.0 * ROWS**2, ROWS[:, 0]))
    along = mapped(lambda row, v: jvp(grad(cubes), (row,), (v,))[1])
    assert_same(along(ROWS, OTHERS), 6.0 * ROWS * OTHERS)
    pulled = mapped(lambda row: vjp(np.sin, row)[1](row)[0])
    assert_same(pulled(ROWS), np.cos(ROWS) * ROWS)
    norms = grad(lambda x: np.sum(vmap(grad(cubes))(x)), backend="numpy")
    assert_same(norms(ROWS), 6.0 * ROWS)


def test_a_function_that_is_checkpointed_keeps_the_tape_of_one_call():
    def loss(f):
        return lambda y, k: np.sum(vmap(f, (0, None))(y, k))

    y = np.linspace(0.0, 1.0, 1000)
    plain, again = (adjoint(loss(f)).memory(y, 1.0).peak for f in (runge_kutta, checkpoint(runge_kutta)))
    assert again < 3 * y.nbytes < 12 * y.nbytes < plain


# ---- in captured functions ----


def test_in_loops_and_branches():
    def loss(x, w):
        s = 0.0
        for i in range(9):
            if s < 8.0:
                s = s + np.sum(vmap(lambda row: np.sum(row * w) ** 2)(x[:i]))
        return s

    def written_out(x, w):
        s = 0.0
        for i in range(9):
            if s < 8.0:
                s = s + np.sum((x[:i] @ w) ** 2)
        return s

    found, expected = (
        adjoint(f, (0, 1), backend="numpy").value_and_grad(ROWS, WEIGHTS) for f in (loss, written_out)
    )
    assert_same(found, expected, 1e-12)


def test_parts_of_arrays_of_one_length():
    def loss(x, y):
        return np.sum(vmap(lambda a, b: a * b)(x[1:], y[:-1]))

    x, y = WEIGHTS, OTHERS[0]
    gradient = adjoint(loss, (0, 1), backend="numpy")
    assert_same(gradient(x, y), (np.r_[0.0, y[:-1]], np.r_[x[1:], 0.0]))
    assert_same(gradient(np.zeros(0), np.zeros(0)), (np.zeros(0), np.zeros(0)))


def test_lengths_that_data_decide():
    def loss(x, k, m):
        return np.sum(vmap(lambda a, b: a * b)(x[: int(k)], x[2 : 2 + int(m)]))

    gradient = adjoint(loss, backend="numpy")
    assert_same(gradient(WEIGHTS, 2.0, 2.0), np.r_[WEIGHTS[2:4], WEIGHTS[:2], 0.0])
    with pytest.raises(ValueError, match=r"^vmap maps over axes of different lengths: axis 0 of `a`, axis 0"):
        gradient(WEIGHTS, 2.0, 3.0)


def test_what_is_around_is_read_at_each_call():
    around = {"w": WEIGHTS}
    f = vmap(lambda row: row @ around["w"])
    before = f(ROWS)
    around["w"] = 2.0 * WEIGHTS
    assert_same(f(ROWS), 2.0 * before)


def test_axes_belong_to_the_program():
    first = lambda row: 2.0 * row[0]  # noqa: E731
    for axis in (0, 1):
        assert_same(vmap(first, axis, backend="numpy")(MATRICES[0]), 2.0 * MATRICES[0].take(0, 1 - axis))
    for axis in (0, 1):
        bar = grad(lambda x, k: np.sum(vmap(first, k)(x)), backend="numpy")(MATRICES[0], axis)
        assert_same(bar.take(0, 1 - axis), np.full(5, 2.0))


def test_what_it_returns_is_the_callers():
    def loss(x):
        found = vmap(lambda row: {"rows": row, "several": [row, 2.0 * row]})(x)
        found["rows"][0] = 0.0
        found["several"].append(found["rows"])
        found["more"] = x
        return sum(np.sum(part) for part in found["several"])

    assert_same(adjoint(loss)(ROWS), np.where(np.arange(6)[:, None] == 0, 3.0, np.full((6, 5), 4.0)))


class Layer:
    def __init__(self, w):
        self.w = w

    @vmap
    def rows(self, row):
        return row @ self.w

    @functools.partial(vmap, in_axes=1)
    def columns(self, column):
        """The columns, weighted."""
        return column * self.w[0]


def test_methods_and_decorators():
    layer = Layer(WEIGHTS)
    assert_same(layer.rows(ROWS), ROWS @ WEIGHTS, 1e-12)
    assert_same(grad(lambda x: np.sum(layer.columns(x)))(ROWS), np.full_like(ROWS, WEIGHTS[0]))
    assert Layer.columns.__doc__ == "The columns, weighted."
    assert repr(Layer.columns) == "<vmap of Layer.columns>"


def test_checks_are_those_of_each_call():
    def small(row):
        assert row[0] < 2.0, "too large"
        return row

    f = vmap(small)
    assert_same(f(ROWS), ROWS)
    with pytest.raises(AssertionError, match=r"^too large\n.*assert row\[0\] < 2.0"):
        f(ROWS + 2.0)


# ---- what is refused ----


def refused(call, kind=ArgumentError):
    """Message and hint, without the place and the line."""
    with pytest.raises(AdcompilerError) as raised:
        call()
    assert type(raised.value) is kind
    return raised.value.message, raised.value.hint


AXIS = "choose another axis by in_axes; what has the axis None is handed whole to every call"
COPY = "write to a copy of it, and return that"

REFUSED = {
    "no function": (lambda: vmap(3), "vmap takes a function, not 3", "write vmap(f)(x)"),
    "axis that is a bool": (
        lambda: vmap(np.sin, in_axes=True),
        "in_axes must be an int or None, or a tuple, list or dict of such, not True",
        None,
    ),
    "axis that is a float": (
        lambda: vmap(np.sin, in_axes=(0, {"a": 0.5})),
        "in_axes must be an int or None, or a tuple, list or dict of such, not 0.5",
        None,
    ),
    "axes that are a dict": (
        lambda: vmap(np.sin, in_axes={"x": 0}),
        "in_axes must be an int, None, or a tuple with an entry for each positional argument, not {'x': 0}",
        None,
    ),
    "no axis out": (
        lambda: vmap(np.sin, out_axes=None),
        "out_axes must be an int, or a tuple, list or dict of such, not None",
        None,
    ),
    "axis that is not there": (
        lambda: vmap(lambda a, b: a, (0, -3))(ROWS, OTHERS),
        "vmap maps over axis -3 of `b`, which is an array of shape (6, 5)",
        AXIS,
    ),
    "float": (
        lambda: vmap(lambda a, p: a * p["k"])(ROWS, {"k": 2.0}),
        "vmap maps over axis 0 of `p.k`, which is a number (a Python float)",
        AXIS,
    ),
    "int": (
        lambda: vmap(lambda a, *n: a)(ROWS, 2),
        "vmap maps over axis 0 of `n[0]`, which is a number (a Python int)",
        AXIS,
    ),
    "function": (
        lambda: vmap(lambda a, f: f(a))(ROWS, np.sin),
        "vmap maps over axis 0 of `f`, which is a ufunc",
        AXIS,
    ),
    "nothing mapped": (
        lambda: vmap(lambda a: a, None)(ROWS),
        "vmap has nothing to map over: no argument has an axis in in_axes",
        "give one of them its axis: in_axes=(0, None)",
    ),
    "no argument": (
        lambda: vmap(lambda: 1.0)(),
        "vmap has nothing to map over: no argument has an axis in in_axes",
        "give one of them its axis: in_axes=(0, None)",
    ),
    "too few axes": (
        lambda: vmap(lambda a, b: a, (0,))(ROWS, ROWS),
        "in_axes has length 1, where 2 positional arguments are given",
        None,
    ),
    "too few arguments": (
        lambda: vmap(lambda a, b: a)(ROWS),
        "missing a required argument: 'b'",
        None,
    ),
    "axes in another structure": (
        lambda: vmap(lambda a: a["x"], ({"y": 0},))({"x": ROWS}),
        "in_axes=({'y': 0},) does not fit the structure PyTreeSpec(({'x': *},))",
        None,
    ),
    "axes out in another structure": (
        lambda: vmap(lambda a: a, out_axes=(0, 0))(ROWS),
        "out_axes=(0, 0) does not fit the structure PyTreeSpec(*)",
        None,
    ),
    "axis out that is not there": (
        lambda: vmap(lambda a: a, out_axes=2)(ROWS),
        "vmap cannot put its axis at 2 of a result that has 2 axes with it",
        "out_axes may be -2 to 1 here",
    ),
    "backend": (
        lambda: vmap(np.sin, backend="c"),
        "there is no backend 'c'",
        "use one of " + ", ".join(BACKENDS),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_calls_that_are_refused(name):
    call, message, hint = REFUSED[name]
    assert refused(call) == (message, hint)


def test_lengths_that_differ():
    message, _ = refused(lambda: vmap(lambda a, b: a, (0, 1))(ROWS, OTHERS), ShapeError)
    assert message == "vmap maps over axes of different lengths: axis 0 of `a` has 6, axis 1 of `b` has 5"


def writes_a_slice(row):
    row[0] = 1.0
    return row


def writes_a_view_of_it(m):
    flat = m.T.reshape(-1)
    flat[0] = 1.0
    return flat


def writes_what_all_have(row, w):
    w[0] = row[0]
    return w


def writes_what_is_around(x):
    last = np.zeros(5)

    def keep(row):
        last[:] = row
        return row

    return np.sum(vmap(keep)(x))


WRITES = {
    "slice": (
        lambda: vmap(writes_a_slice)(ROWS),
        "`row` is written, but it is a part of what vmap maps over",
        "write to a copy of it",
    ),
    "view": (
        lambda: vmap(writes_a_view_of_it)(MATRICES),
        "`writes_a_view_of_it`, which vmap maps, writes `m`, which is not its own",
        COPY,
    ),
    "argument": (
        lambda: vmap(writes_what_all_have, (0, None))(ROWS, WEIGHTS),
        "`writes_what_all_have`, which vmap maps, writes `w`, which is not its own",
        COPY,
    ),
    "closure": (
        lambda: grad(writes_what_is_around)(ROWS),
        "`keep`, which vmap maps, writes `last`, which is not its own",
        COPY,
    ),
    "text": (
        lambda: vmap(lambda row: (row, "sum"))(ROWS),
        "`<lambda>`, which vmap maps, returns 'sum'",
        "return numbers, arrays, or tuples, lists and dicts of them",
    ),
    "size": (
        lambda: vmap(lambda k: np.zeros(int(k)))(np.arange(6.0)),
        "`<lambda>`, which vmap maps, returns an array whose size it computes",
        "compute the size before the call and hand it over, or return an array of known size",
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_functions_that_are_refused(name):
    call, message, hint = WRITES[name]
    assert refused(call, CaptureError) == (message, hint)


def test_the_place_is_that_of_the_write():
    with pytest.raises(CaptureError) as raised:
        vmap(writes_a_slice)(ROWS)
    assert raised.value.location.source == "row[0] = 1.0"
