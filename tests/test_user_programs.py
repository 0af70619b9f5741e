"""Programs as users bring them: values as NumPy has them, gradients as differences have them, for every size.

One gradient function serves all sizes of a program.
"""

import copy

import numpy as np
import optree
import pytest
from user_programs import PROGRAMS

from adcompiler import adjoint
from adcompiler.frontend.arguments import NAMESPACE, flatten

ON_NUMBA = PROGRAMS[::4]


def name(program):
    return program.name


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_on_numpy(program):
    check(program, "numpy", (*program.sizes[:2], program.sizes[-1]))


@pytest.mark.parametrize("program", ON_NUMBA, ids=name)
def test_on_numba(program):
    check(program, "numba", program.sizes[:1])


def check(program, backend, sizes):
    """Values and directional derivatives of one gradient function at several sizes."""
    first = program.arguments(program.sizes[0], np.random.default_rng(0))
    chosen = tuple(k for k, argument in enumerate(first) if any(map(is_float, leaves(argument))))
    compiled = adjoint(program.function, chosen, backend=backend)
    for n in dict.fromkeys(sizes):
        rng = np.random.default_rng(7 + n)
        arguments = program.arguments(n, rng)
        given = copy.deepcopy(arguments)
        with np.errstate(all="ignore"):
            expected = leaves(program.function(*copy.deepcopy(arguments)))
            value, pull = compiled.vjp(*arguments)
            assert_same(leaves(arguments), leaves(given))
            assert_close(leaves(value), expected)
            bars = [direction(leaf, rng) for leaf in expected]
            cotangent = optree.tree_unflatten(flatten(value)[1], bars)
            gradients = optree.tree_leaves(pull(cotangent), none_is_leaf=True, namespace=NAMESPACE)
            compare(program, arguments, chosen, bars, gradients, rng)


def compare(program, arguments, chosen, bars, gradients, rng):
    """The derivative along one direction, by the gradients and by differences extrapolated to step 0."""
    floats, structure = flatten(tuple(arguments[k] for k in chosen))
    directions = [direction(leaf, rng) for leaf in floats]

    def along(h):
        moved = [
            leaf if d is None else type(leaf)(leaf + h * d) if np.isscalar(leaf) else leaf + h * d
            for leaf, d in zip(floats, directions, strict=True)
        ]
        new = list(copy.deepcopy(arguments))
        for k, argument in zip(chosen, optree.tree_unflatten(structure, moved), strict=True):
            new[k] = argument
        return product(leaves(program.function(*new)), bars)

    h = 1e-4
    near, far = ((along(k * h) - along(-k * h)) / (2 * k * h) for k in (1, 2))
    single = any(np.asarray(leaf).dtype == np.float32 for leaf in (*floats, *gradients))
    tolerance = 2e-2 if single else 1e-6
    assert product(gradients, directions) == pytest.approx((4 * near - far) / 3, rel=tolerance, abs=tolerance)


def leaves(tree):
    return flatten(tree)[0]


def is_float(leaf):
    return isinstance(leaf, float | np.floating) or getattr(leaf, "dtype", np.dtype(int)).kind == "f"


def direction(leaf, rng):
    """A random cotangent or tangent of a leaf; None if it is not a float."""
    return rng.normal(size=np.shape(leaf)).astype(np.asarray(leaf).dtype)[()] if is_float(leaf) else None


def product(values, weights):
    pairs = zip(values, weights, strict=True)
    return sum(np.sum(np.asarray(v, float) * w) for v, w in pairs if v is not None and w is not None)


def assert_same(values, expected):
    for value, want in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, want)


def assert_close(values, expected):
    """Of NumPy's shapes and dtypes, and its numbers up to the order of sums."""
    for value, want in zip(values, expected, strict=True):
        assert np.shape(value) == np.shape(want) and np.asarray(value).dtype == np.asarray(want).dtype
        if isinstance(want, str):
            assert value == want
        else:
            single = np.asarray(want).dtype == np.float32
            np.testing.assert_allclose(
                value, want, rtol=1e-4 if single else 1e-10, atol=1e-5 if single else 1e-12
            )
