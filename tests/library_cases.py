"""What dense linear algebra on device arrays is tried on, in the simulator and on a device."""

import numpy as np
import pytest
import scipy.linalg
from op_cases import applied

from adcompiler.backends.cuda.device import arrays
from adcompiler.backends.cuda.device.checks import first_failed, no_failure
from adcompiler.backends.cuda.libraries.linear_algebra import (
    cholesky,
    fail_where,
    inverse,
    lu,
    product,
    solve,
    solve_factored,
    solve_factored_vector,
    solve_triangular,
    solve_triangular_vector,
    solve_vector,
    transposed,
)
from adcompiler.backends.cuda.writing.device_calls import described
from adcompiler.backends.products import library_product
from adcompiler.ir.ops import OPS

TOLERANCE = {"float16": 2e-3, "float32": 2e-5, "float64": 1e-12}
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
LIES = pytest.mark.parametrize("lies", ["rows", "columns", "part", "inside"])
"""A matrix, the transpose of one, one of a stack, or columns of a wider one."""


def numbers(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


def regular(n, dtype="float64"):
    """A matrix whose elimination exchanges rows."""
    return numbers(n, n, dtype=dtype, seed=n) + np.roll(3 * np.eye(n, dtype=dtype), 1, axis=0)


def there(x, lies="rows"):
    """A matrix on the device, lying so."""
    if lies == "columns":
        return transposed(arrays.to_device(np.ascontiguousarray(x.T)))
    if lies == "part":
        return arrays.to_device(np.stack([np.full_like(x, np.nan), x]))[1]
    if lies == "inside":
        n = x.shape[1]
        return arrays.to_device(np.hstack([np.full_like(x, np.nan), x]))[:, n : 2 * n]
    return arrays.to_device(x)


def nan(shape, dtype):
    return arrays.to_device(np.full(shape, np.nan, dtype))


def failed(word):
    """The check that failed first in a call with one such check, number 2."""
    status = no_failure(3)
    fail_where(word, status, 2)
    return first_failed(status.words)


FINE, WRONG = 0, 2


def assert_close(found, expected):
    found = arrays.to_host(found)
    scale = np.abs(np.asarray(expected, float)).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[found.dtype.name] * scale)


# ---- products ----


def planned(labels, *operands):
    """What of an einsum is a product for a library: None, or the order of operands and what else is said."""
    found = library_product(applied("einsum", operands, subscripts=labels).body.eqns[0])
    return found and (found.order, *described(found))


def assert_product(labels, left, right):
    order, *described = planned(labels, left, right)
    result = np.einsum(labels, left.astype(float), right.astype(float))
    out = nan(result.shape, left.dtype)
    given = [arrays.to_device((left, right)[k]) for k in order]
    product(*given, out, *described)
    assert_close(out, result)


BIG = 12
PRODUCTS = [
    ("ij,jk->ik", {}),
    ("ji,jk->ik", {}),
    ("ij,kj->ik", {}),
    ("ji,kj->ik", {}),
    ("ij,jk->ki", {}),
    ("ij,j->i", {}),
    ("ji,j->i", {}),
    ("j,jk->k", {}),
    ("bij,bjk->bik", {"b": 3}),
    ("bij,bkj->bik", {"b": 3}),
    ("ibj,jk->ibk", {"b": 3}),
    ("bij,jk->bik", {"b": 3}),
    ("ij,bjk->bik", {"b": 3}),
    ("bij,bj->bi", {"b": 3}),
    ("bcij,bcjk->bcik", {"b": 2, "c": 3}),
    ("cbij,bcjk->bcik", {"b": 2, "c": 3}),
    ("bij,cjk->bcik", {"b": 2, "c": 3}),
    ("bij,cj->bci", {"b": 2, "c": 3}),
    ("ijl,jlk->ik", {"l": 2}),
    ("bij,bik->jk", {"b": 3}),
    ("bqhd,bkhd->bhqk", {"b": 2, "h": 3}),
    ("nkd,kde->nke", {"k": 3}),
    ("abij,jk->abki", {"a": 2, "b": 3}),
    ("ij,jk->ik", {"i": 200, "j": 1, "k": 2}),
    ("ij,jk->ik", {"i": 1, "j": 70, "k": 2}),
    ("ij,jk->ik", {"i": 70, "j": 2, "k": 1}),
]


@DTYPES
@pytest.mark.parametrize(("labels", "sizes"), PRODUCTS)
def test_products(labels, sizes, dtype):
    terms = labels.split("->")[0].split(",")
    left, right = (
        numbers(*(sizes.get(c, BIG + ord(c) % 5) for c in term), dtype=dtype, seed=k)
        for k, term in enumerate(terms)
    )
    assert_product(labels, left, right)


@pytest.mark.parametrize(("labels", "columns"), [("ij,jk->ik", "k"), ("ij,j->i", "")])
def test_half_precision_is_added_in_single(labels, columns):
    """In half precision 2048 + 1 is 2048."""
    left, right = np.ones((3, 4096), np.float16), np.ones((4096, *[2] * len(columns)), np.float16)
    out = nan((3, *[2] * len(columns)), np.float16)
    product(there(left), there(right), out, labels, "i", "j", columns)
    assert (arrays.to_host(out) == 4096).all()


def test_products_without_terms_are_zero():
    out = nan((2, 3), "float64")
    product(there(np.zeros((2, 0))), there(np.zeros((0, 3))), out, "ij,jk->ik", "i", "j", "k")
    assert not arrays.to_host(out).any()


def test_products_without_elements():
    product(there(np.zeros((0, 3))), there(np.zeros((3, 2))), nan((0, 2), "f8"), "ij,jk->ik", "i", "j", "k")


def random_product(seed):
    """An einsum that shares its labels out at random, in any order, and arrays of sizes small and large."""
    random = np.random.default_rng(seed)
    homes = {"i": "lt", "j": "lr", "k": "rt", **{c: random.choice(["lt", "rt", "lrt"]) for c in "bc"}}
    homes = {c: homes[c] for c in random.permutation(list("ijkbc"))[: random.integers(3, 6)]}
    sizes = {c: random.choice([1, 2, 12, 20]) for c in homes}
    some = random.random() < 0.5
    orders = {place: random.permutation(list(homes)) if some else sorted(homes) for place in "lrt"}
    left, right, result = ([c for c in orders[place] if place in homes[c]] for place in "lrt")
    labels = f"{''.join(left)},{''.join(right)}->{''.join(result)}"
    return labels, *(numbers(*(sizes[c] for c in term), seed=seed) for term in (left, right))


@pytest.mark.parametrize("start", [0, 200, 400])
def test_random_products(start):
    """Whatever `backends/products.py` takes for one."""
    cases = [random_product(seed) for seed in range(start, start + 200)]
    found = [case for case in cases if planned(*case) is not None]
    assert len(found) >= 40
    for case in found:
        assert_product(*case)


# ---- systems ----


@DTYPES
@LIES
@pytest.mark.parametrize("n", [1, 4])
def test_systems(n, lies, dtype):
    a, b, x = regular(n, dtype), numbers(n, 3, dtype=dtype), numbers(n, dtype=dtype)
    out, line, inverted = nan((n, 3), dtype), nan((n,), dtype), nan((n, n), dtype)
    assert failed(solve(there(a, lies), there(b, lies), out)) == FINE
    assert failed(solve_vector(there(a, lies), there(np.stack([x, x]).T)[:, 1], line)) == FINE
    assert failed(inverse(there(a, lies), inverted)) == FINE
    assert_close(out, np.linalg.solve(a, b))
    assert_close(line, np.linalg.solve(a, x))
    assert_close(inverted, np.linalg.inv(a))


@DTYPES
@LIES
@pytest.mark.parametrize("n", [1, 4])
def test_systems_with_factors(n, lies, dtype):
    a, b = regular(n, dtype), numbers(n, 3, dtype=dtype)
    factors = nan((n + 1, n), dtype)
    assert failed(lu(there(a, lies), factors, False)) == FINE
    assert_close(factors, OPS["lu"].numpy(a))
    for turned, matrix in ((False, a), (True, a.T)):
        out, line = nan((n, 3), dtype), nan((n,), dtype)
        assert solve_factored(factors, there(b, lies), out, turned) is None
        assert solve_factored_vector(factors, there(b)[:, 0], line, turned) is None
        assert_close(out, np.linalg.solve(matrix, b))
        assert_close(line, np.linalg.solve(matrix, b[:, 0]))


@DTYPES
@LIES
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangles(unit, lower, lies, dtype):
    """Nothing of the other triangle is read, nor a diagonal of ones."""
    a, b = numbers(4, 4, dtype=dtype) + 2 * np.eye(4, dtype=dtype), numbers(4, 3, dtype=dtype)
    expected = scipy.linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit)
    a[np.triu_indices(4, 1) if lower else np.tril_indices(4, -1)] = np.nan
    if unit:
        np.fill_diagonal(a, 0)
    out, line = nan((4, 3), dtype), nan((4,), dtype)
    assert failed(solve_triangular(there(a, lies), there(b, lies), out, lower, unit)) == FINE
    assert failed(solve_triangular_vector(there(a, lies), there(b)[:, 0], line, lower, unit)) == FINE
    assert_close(out, expected)
    assert_close(line, expected[:, 0])


@DTYPES
@LIES
def test_cholesky(lies, dtype):
    a = numbers(4, 4, dtype=dtype)
    a = a @ a.T + np.eye(4, dtype=dtype)
    expected = np.linalg.cholesky(a)
    a[np.triu_indices(4, 1)] = np.nan
    out = nan((4, 4), dtype)
    assert failed(cholesky(there(a, lies), out)) == FINE
    assert_close(out, expected)


@LIES
def test_what_fails_is_noted(lies):
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    out, line, factors = nan((2, 2), "f8"), nan((2,), "f8"), nan((3, 2), "f8")
    a, b, x = there(singular, lies), there(np.eye(2)), there(np.ones(2))
    words = [solve(a, b, out), solve_vector(a, x, line), inverse(a, out), lu(a, factors, False)]
    words += [cholesky(there(-np.eye(2), lies), out)]
    triangle = there(np.array([[1.0, 2.0], [2.0, 0.0]]), lies)
    words += [solve_triangular(triangle, b, out, True, False)]
    words += [solve_triangular_vector(triangle, x, line, False, False)]
    assert [failed(word) for word in words] == [WRONG] * len(words)


def test_a_failure_stays_noted():
    status = no_failure(2)
    for a in (np.zeros((2, 2)), np.eye(2)):
        fail_where(inverse(there(a), nan((2, 2), "f8")), status, 1)
    assert first_failed(status.words) == 1


def test_factors_of_a_singular_matrix():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    factors = nan((3, 2), "f8")
    assert lu(there(a), factors, True) is None
    assert_close(factors, OPS["lu"].numpy(a, singular=True))


def test_anything_in_place_of_factors_is_read_inside():
    """Where a kernel before has failed, memory holds what it held."""
    out = nan((2, 1), "f8")
    solve_factored(nan((3, 2), "f8"), there(np.ones((2, 1))), out, False)
    assert np.isnan(arrays.to_host(out)).all()


def test_systems_without_unknowns_or_without_right_hand_sides():
    none, line = there(np.zeros((0, 0))), there(np.zeros(0))
    for word in (
        solve(none, there(np.zeros((0, 2))), nan((0, 2), "f8")),
        solve_vector(none, line, nan((0,), "f8")),
        inverse(none, nan((0, 0), "f8")),
        cholesky(none, nan((0, 0), "f8")),
        lu(none, nan((1, 0), "f8"), False),
        solve_triangular(none, there(np.zeros((0, 2))), nan((0, 2), "f8"), True, False),
        solve_triangular_vector(none, line, nan((0,), "f8"), True, False),
    ):
        assert word is None
    empty = there(np.zeros((2, 0)))
    for a, expected in ((np.eye(2), FINE), (np.zeros((2, 2)), WRONG)):
        assert failed(solve(there(a), empty, nan((2, 0), "f8"))) == expected
        assert failed(solve_triangular(there(a), empty, nan((2, 0), "f8"), True, False)) == expected
