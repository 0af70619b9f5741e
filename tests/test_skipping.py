"""What an extremum or a `where` does not take: no derivative comes from it, and no loop adds its zeros."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from adcompiler import adjoint, grad, jvp
from adcompiler.backends import nests
from adcompiler.frontend import specialise


def k_means(centroids, points):
    distances = np.sum((points[:, None, :] - centroids[None, :, :]) ** 2, axis=2)
    return np.sum(np.min(distances, axis=1))


def k_means_slope(centroids, points):
    """Point by point."""
    bar = np.zeros_like(centroids)
    for point in points:
        distances = np.sum((point - centroids) ** 2, axis=1)
        nearest = np.flatnonzero(distances == np.min(distances))
        bar[nearest] -= 2.0 * (point - centroids[nearest]) / len(nearest)
    return bar


def random(*shapes):
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


def conditions(function, args):
    """Those that stand around loops in what is generated."""
    compiled = adjoint(function)
    source = (
        compiled.source(*args) if function is k_means else compiled.source(*args, stage="primal")
    )
    lines = [line.split("#")[0].strip() for line in source.splitlines()]
    pairs = zip(lines, lines[1:], strict=False)
    return {line for line, inside in pairs if line.startswith("if ") and inside.startswith(("for ", "terms"))}


# ---- derivatives ----


@pytest.mark.parametrize("sizes", [(6, 40, 20), (1, 5, 7), (5, 1, 20), (7, 0, 5), (3, 4, 0)])
def test_only_the_nearest_centroid_moves(sizes):
    k, n, d = sizes
    centroids, points = random((k, d), (n, d))
    assert_allclose(
        grad(k_means)(centroids, points), k_means_slope(centroids, points), rtol=1e-12, atol=1e-14
    )


def test_nearest_centroids_that_tie_share():
    centroids, points = random((5, 8), (30, 8))
    centroids[3] = centroids[1]
    bar = grad(k_means)(centroids, points)
    assert_array_equal(bar[3], bar[1])
    assert_allclose(bar, k_means_slope(centroids, points), rtol=1e-12)
    same = np.ones((4, 8))
    assert_allclose(grad(k_means)(same, points), k_means_slope(same, points), rtol=1e-12)


def test_a_centroid_at_infinity_is_not_taken():
    centroids, points = random((5, 8), (30, 8))
    centroids[2, 3] = np.inf
    bar = grad(k_means)(centroids, points)
    assert_array_equal(bar[2], 0.0)
    others = np.arange(5) != 2
    assert_allclose(bar[others], k_means_slope(centroids[others], points), rtol=1e-12)


def test_a_minimum_that_is_nan_has_no_derivative():
    centroids, points = random((5, 8), (30, 8))
    points[4, 0] = np.nan
    assert np.isnan(grad(k_means)(centroids, points)).all()
    tangent = jvp(k_means, (centroids, points), (np.ones((5, 8)), np.zeros((30, 8))))[1]
    assert np.isnan(tangent)


def largest_root(x):
    return np.sum(np.max(np.sqrt(x), axis=1))


def smallest_of_all(x):
    return np.min(1.0 / x) * 3.0


def test_no_nan_comes_from_what_was_not_taken():
    x = np.array([[0.0, 4.0, 1.0], [9.0, 0.0, 0.0]])
    slope = np.array([[0.0, 0.25, 0.0], [0.5 / 3.0, 0.0, 0.0]])
    assert_allclose(grad(largest_root)(x), slope)
    assert_allclose(grad(smallest_of_all)(np.array([0.0, 2.0, 0.5])), [0.0, -0.75, 0.0])


def row_extrema(x):
    return np.max(x, axis=1) - np.min(x, axis=1)


def test_tangents_of_extrema():
    x = np.array([[1.0, 5.0, 5.0], [2.0, 2.0, 2.0], [np.inf, 0.0, -1.0]])
    dx = np.array([[4.0, 1.0, 3.0], [1.0, 2.0, 6.0], [7.0, np.nan, 2.0]])
    assert_array_equal(jvp(row_extrema, (x,), (dx,))[1], [-2.0, 0.0, 5.0])


# ---- second order ----


def scaled_largest(x, z):
    return np.sum(np.max(x**2 * z, axis=1))


def scaled_choice(x, z):
    return np.sum(np.where(x > 0.0, x**2 * 3.0, 0.0) * z)


def scaled_root(x, z):
    return np.sum(np.where(x > 0.0, np.sqrt(x), 0.0) * z)


def factor(x, z):
    return z * np.max(x**3)


def slope_of(function):
    def slope(x, z):
        return np.sum(grad(function)(x, z))

    return slope


def test_a_cotangent_that_was_taken_and_is_zero_still_has_a_derivative():
    x = np.array([1.0, -2.0, 3.0])
    for z in (np.zeros(3), np.array([1.0, 2.0, 3.0])):
        assert_allclose(grad(slope_of(scaled_choice), argnums=1)(x, z), [6.0, 0.0, 18.0])
    for number in (0.0, 0.5):
        assert_allclose(grad(slope_of(factor), argnums=1)(x, number), 27.0)


def test_second_derivatives_of_what_was_not_taken_are_zero():
    x, z = np.array([4.0, 0.0, 1.0]), np.array([0.0, 2.0, 1.0])
    assert_allclose(grad(slope_of(scaled_root), argnums=1)(x, z), [0.25, 0.0, 0.5])
    assert_allclose(grad(slope_of(scaled_root))(x, z), [0.0, 0.0, -0.25])


def hessian_times(centroids, points, direction):
    def gradient(c):
        return grad(k_means)(c, points)

    return jvp(gradient, (centroids,), (direction,))[1]


def test_second_derivatives_of_k_means():
    centroids, points, direction = random((6, 20), (40, 20), (6, 20))
    distances = np.sum((points[:, None, :] - centroids) ** 2, axis=2)
    counts = np.bincount(np.argmin(distances, axis=1), minlength=6)
    assert_allclose(
        hessian_times(centroids, points, direction), 2.0 * counts[:, None] * direction, rtol=1e-12
    )


# ---- loops ----


def chosen_rows(mask, x, w):
    return np.sum(np.where(mask[:, None], np.exp(x) * w, 0.0), axis=0)


def other_rows(mask, x, w):
    return np.sum(np.where(mask[:, None], 0.0, -(np.exp(x) * w)), axis=0)


def chosen_elements(mask, x, w):
    return np.sum(np.where(mask[:, None] & (x > 0.0), np.exp(x) * w, 0.0), axis=0)


def rows_and_others(mask, x, w):
    kept = np.where(mask[:, None], x * w, 0.0)
    return np.sum(kept + np.exp(x), axis=0)


def rows_of_two_kinds(mask, x, w):
    return np.sum(np.where(mask[:, None], np.exp(x), x * w), axis=0)


def rows_that_are_kept(mask, x, w):
    return np.sum(np.where(mask[:, None], np.exp(x) * w, 0.0), axis=1)


def all_or_nothing(flag, x, w):
    return np.sum(np.where(flag[0] > 0.0, np.exp(x) * w, 0.0))


def rows_added_to(mask, x, w):
    total = w.copy()
    for i in range(len(x)):
        total += np.where(mask[i], x[i], 0.0)
    return total


def rows_multiplied(mask, x, w):
    return np.where(mask[:, None], x, 0.0).T @ np.where(mask[:, None], x, 0.0) @ w


def sums_of_rows_in_a_row(mask, x, w):
    return np.sum(np.where(mask[:, None, None], x[:, :, None] * w, 0.0), axis=2)


MASK = np.array([True, False, True, False, False, True, True])
TESTED = {
    k_means: {"if distances_bar != 0:"},
    chosen_rows: {"if mask[i]:"},
    other_rows: {"if not mask[i]:"},
    rows_that_are_kept: {"if mask[i]:"},
    sums_of_rows_in_a_row: {"if mask[i]:"},
    all_or_nothing: {"if t1:"},
    # known in the loop alone; not zero without what is chosen; an array that was there before; a product
    chosen_elements: set(),
    rows_and_others: set(),
    rows_of_two_kinds: set(),
    rows_added_to: set(),
    rows_multiplied: set(),
}


def arguments(function):
    if function is k_means:
        return random((6, 20), (40, 20))
    x, w = random((7, 20), (20,))
    x[1, 2] = x[2, 4] = -0.0
    x[3, 5] = np.inf
    return [np.zeros(1) if function is all_or_nothing else MASK, x, w]


@pytest.mark.parametrize("function", TESTED)
def test_loops_that_add_zeros_are_left_out_and_no_bit_changes(function, monkeypatch):
    args = arguments(function)

    def result():
        monkeypatch.setattr(specialise, "_BY_CODE", {})
        value = grad(function)(*args) if function is k_means else adjoint(function).primal(*args)
        return np.asarray(value), conditions(function, args)

    found, tested = result()
    monkeypatch.setattr(nests, "needed", lambda *_: "")
    expected, untested = result()
    assert tested == TESTED[function] and not untested
    assert found.tobytes() == expected.tobytes()
    if function is not k_means:
        with np.errstate(invalid="ignore", over="ignore"):
            assert_allclose(found, function(*args), rtol=1e-12)


def small_rows(mask, x):
    return np.sum(np.where(mask[:, None], x, 0.0), axis=0)


def test_a_short_loop_of_known_length_has_no_test():
    assert conditions(small_rows, (MASK, np.ones((7, 3)))) == set()
