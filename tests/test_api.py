"""What users call: results in their structures, derivatives of derivatives, one artefact for many calls."""

import subprocess
import sys
import textwrap
import warnings
from dataclasses import dataclass
from functools import partial

import numba
import numpy as np
import pytest

import adcompiler
from adcompiler import adjoint, grad, jvp, value_and_grad, vjp
from adcompiler.ir.errors import ArgumentError, CaptureError, DerivativeError, DTypeError


def central(f, x, h=1e-6):
    """The gradient of a scalar function of one array by central differences."""
    g = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        g[k] = (f(up) - f(down)) / (2 * h)
    return g


# ---- results ----


def test_a_python_float_comes_back_as_a_numpy_scalar():
    result = grad(lambda x: x * x)(3.0)
    assert type(result) is np.float64 and result == 6.0


def test_the_gradient_of_an_array_of_rank_0_is_one():
    x = np.array(3.0)
    for result in (
        grad(lambda x: x * x)(x),
        value_and_grad(lambda x: x * x)(x)[1],
        vjp(lambda x: x * x, x)[1](1.0)[0],
    ):
        assert type(result) is np.ndarray and result.shape == () and result == 6.0


def test_the_gradient_of_a_constant_is_zero():
    assert grad(lambda x: 1.5)(2.0) == 0.0
    assert grad(lambda x, y: y)(2.0, 3.0) == 0.0


def test_dtypes_are_kept():
    x = np.linspace(0, 1, 7, dtype=np.float32)
    result = grad(lambda x: np.sum(np.sin(x) * 2.0))(x)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, 2 * np.cos(x), rtol=1e-6)
    assert type(grad(lambda x: x * 2.0)(np.float32(1))) is np.float32


def test_argnums_and_argnames_shape_the_result():
    def f(a, b, c):
        return a * b + c

    assert grad(f, 1)(2.0, 3.0, 4.0) == 2.0
    assert grad(f, (0, 2))(2.0, 3.0, 4.0) == (3.0, 1.0)
    assert grad(f, -1)(2.0, 3.0, 4.0) == 1.0
    assert adjoint(f, argnames=("a", "b"))(2.0, 3.0, 4.0) == {"a": 3.0, "b": 2.0}
    assert adjoint(f, argnames="c")(2.0, 3.0, c=4.0) == {"c": 1.0}


@dataclass
class Model:
    weights: np.ndarray
    bias: float
    name: str = "linear"


def test_trees_come_back_as_trees():
    def loss(p, x):
        return np.sum((p["a"] * x + p["b"][0]) ** 2)

    x = np.arange(5.0)
    g = grad(loss)({"a": 2.0, "b": [1.0, None]}, x)
    r = 2 * x + 1
    assert g.keys() == {"a", "b"} and g["b"][1] is None
    assert g["a"] == pytest.approx(np.sum(2 * r * x)) and g["b"][0] == pytest.approx(np.sum(2 * r))

    def linear(m, x):
        return np.sum(m.weights * x) + m.bias

    g = grad(linear)(Model(np.ones(5), 1.0), x)
    assert isinstance(g, Model) and g.bias == 1.0
    np.testing.assert_array_equal(g.weights, x)


def test_leaves_that_are_no_floats_come_back_as_none():
    g = grad(lambda p: p[0] * 2.0 * p[1])((1.5, 3))
    assert g == (6.0, None)


def test_value_and_grad_and_aux():
    def f(x):
        return np.sum(x * x), {"twice": 2 * x, "label": "squares"}

    x = np.arange(5.0)
    (value, aux), g = value_and_grad(f, has_aux=True)(x)
    assert value == 30.0 and aux["label"] == "squares"
    np.testing.assert_array_equal(aux["twice"], 2 * x)
    np.testing.assert_array_equal(g, 2 * x)
    g, aux = grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(g, 2 * x)
    value, g = value_and_grad(lambda x: np.sum(x))(x)
    assert value == 10.0 and g.tolist() == [1.0] * 5


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_aux_may_be_as_long_as_data_say(backend):
    def f(x):
        trips = 0
        while x < 100.0:
            x = x * 1.5
            trips += 1
        return x, np.full(trips, x)

    (value, aux), gradient = value_and_grad(f, has_aux=True, backend=backend)(20.0)
    assert (value, gradient) == (20.0 * 1.5**4, 1.5**4)
    np.testing.assert_array_equal(aux, [value] * 4)
    _, aux = grad(f, has_aux=True, backend=backend)(200.0)
    assert aux.shape == (0,)


def test_vjp_pulls_back_any_number_of_times_and_keeps_its_residuals():
    x, y = np.linspace(0.1, 1, 6), np.linspace(1, 2, 6)
    value, pullback = vjp(lambda x, y: np.sin(x) * y, x, y)
    np.testing.assert_allclose(value, np.sin(x) * y, rtol=1e-15)
    expected = np.cos(x) * y, np.sin(x)
    x[:] = 0.0
    for scale in (1.0, 3.0):
        for got, want in zip(pullback(np.full(6, scale)), expected, strict=True):
            np.testing.assert_allclose(got, scale * want, rtol=1e-14)


def test_jvp():
    x = np.linspace(0.1, 1, 6)
    value, tangent = jvp(lambda x: np.exp(x) * x, (x,), (np.ones(6),))
    np.testing.assert_allclose(tangent, np.exp(x) * (x + 1), rtol=1e-14)
    np.testing.assert_allclose(value, np.exp(x) * x, rtol=1e-15)


def test_the_decorated_function_is_the_gradient():
    @adjoint(argnums=(0, 1))
    def f(a, b):
        """The product."""
        return a * b

    assert f(2.0, 3.0) == (3.0, 2.0)
    assert f.primal(2.0, 3.0) == 6.0
    assert f.value_and_grad(2.0, 3.0) == (6.0, (3.0, 2.0))
    assert f.__name__ == "f" and f.__doc__ == "The product."
    assert "func f_grad" in f.ir(2.0, 3.0) and "def " in f.source(2.0, 3.0)


# ---- functions that write their arguments ----


def relax(u, b):
    for i in range(1, len(u) - 1):
        u[i] = 0.5 * (u[i - 1] + u[i + 1]) + b[i] * u[i]
    return np.sum(u * u)


def test_only_the_primal_writes_the_callers_arrays():
    rng = np.random.default_rng(0)
    u, b = rng.normal(size=(2, 9))
    kept, expected = u.copy(), u.copy()
    value = relax(expected, b)
    g = adjoint(relax, (0, 1))
    gu, gb = g(u, b)
    np.testing.assert_array_equal(u, kept)
    np.testing.assert_allclose(gu, central(lambda x: relax(x.copy(), b), u), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(gb, central(lambda x: relax(u.copy(), x), b), rtol=1e-6, atol=1e-8)
    strided = np.zeros(18)
    strided[::2] = u
    for target in (u, strided[::2]):
        assert g.primal(target, b) == pytest.approx(value, rel=1e-15)
        np.testing.assert_allclose(target, expected, rtol=1e-15)


def test_what_a_function_writes_is_an_output_of_vjp():
    u, b = np.random.default_rng(1).normal(size=(2, 9))
    final = u.copy()
    value = relax(final, b)
    (returned, written), pullback = vjp(relax, u, b)
    assert returned == pytest.approx(value) and written.keys() == {"u"}
    np.testing.assert_allclose(written["u"], final, rtol=1e-15)
    weights = np.linspace(-1, 1, 9)

    def weighted(u, b):
        u = u.copy()
        value = relax(u, b)
        return 2.0 * value + np.sum(weights * u)

    bar_u, bar_b = pullback((2.0, {"u": weights}))
    np.testing.assert_allclose(bar_u, central(lambda x: weighted(x, b), u), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(bar_b, central(lambda x: weighted(u, x), b), rtol=1e-6, atol=1e-8)


def test_the_same_array_twice():
    def shift(u, v):
        u[0] = 2.0 * v[1]
        return np.sum(u * v)

    x = np.arange(1.0, 7.0)
    expected = x.copy()
    assert adjoint(shift).primal(x.copy(), x.copy()) == shift(x.copy(), x.copy())
    same = x.copy()
    assert adjoint(shift).primal(same, same) == shift(expected, expected)
    np.testing.assert_array_equal(same, expected)
    with pytest.raises(
        DerivativeError, match="argument `v` is the same array as `u`, which the function writes"
    ):
        grad(shift, 1)(x, x)


# ---- what can be differentiated ----


def scale(x, *, factor=2.0):
    return np.sum(x * factor)


class Line:
    def __init__(self, slope):
        self.slope = slope

    def __call__(self, x):
        return np.sum(self.slope * x)

    def square(self, x):
        return np.sum((self.slope * x) ** 2)


@numba.njit
def compiled_by_numba(x):
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * x[i]
    return total


def test_every_kind_of_callable():
    x = np.arange(5.0)
    line = Line(3.0)
    first, second = (lambda x: np.sum(x * x)), (lambda x: np.sum(x))
    cases = [
        (first, 2 * x),
        (second, np.ones(5)),
        (partial(scale, factor=4.0), np.full(5, 4.0)),
        (line, np.full(5, 3.0)),
        (line.square, 18 * x),
        (compiled_by_numba, 2 * x),
        (np.linalg.norm, x / np.linalg.norm(x)),
    ]
    for f, expected in cases:
        np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-14)
    line.slope = 5.0
    np.testing.assert_allclose(grad(line)(x), np.full(5, 5.0))


def test_functions_that_call_grad():
    def newton_step(x):
        slope = grad(lambda y: y**3 - 2.0 * y)(x)
        return x - (x**3 - 2.0 * x) / slope

    x = 1.7
    assert newton_step(x) == pytest.approx(x - (x**3 - 2 * x) / (3 * x * x - 2))
    expected = 6 * x * (x**3 - 2 * x) / (3 * x * x - 2) ** 2
    assert grad(newton_step)(x) == pytest.approx(expected, rel=1e-12)


def test_a_gradient_inside_sees_the_outer_variables():
    def f(x, a):
        return grad(lambda y: a * y * y)(x) * x

    assert grad(f, (0, 1))(3.0, 2.0) == (pytest.approx(24.0), pytest.approx(18.0))


# ---- closure under differentiation ----


def powers(x, n):
    y = x
    for _ in range(n):
        y = y * np.sin(x)
    return y


def cube(x):
    return x * x * x


def test_grad_of_grad_and_jvp_of_grad():
    assert grad(grad(cube))(2.0) == 12.0
    assert grad(grad(grad(cube)))(2.0) == 6.0
    assert jvp(grad(cube), (2.0,), (1.0,)) == (12.0, 12.0)
    assert grad(lambda x: jvp(cube, (x,), (1.0,))[1])(2.0) == 12.0
    assert grad(grad(lambda x: x * x))(2.0) == 2.0


def squares(x, y):
    return np.sum((y[:, None] - x[None, :]) ** 2)


def hessian_times(x, y, direction):
    return jvp(lambda x: grad(squares)(x, y), (x,), (direction,))[1]


def pulled_back(x, direction):
    return vjp(lambda x: x * x, x)[1](direction)[0]


def test_a_tangent_inside_a_function_has_the_size_of_its_primal():
    rng = np.random.default_rng(0)
    x, y, direction = rng.normal(size=7), rng.normal(size=9), rng.normal(size=7)
    product = adjoint(hessian_times).primal
    np.testing.assert_allclose(product(x, y, direction), 18.0 * direction, rtol=1e-14)
    with pytest.raises(ArgumentError, match=r"`x` has shape \(k,\), where its primal has \(n,\)"):
        product(x, y, direction[:6])
    np.testing.assert_allclose(adjoint(pulled_back).primal(x, direction), 2 * x * direction, rtol=1e-14)
    with pytest.raises(ArgumentError, match="^the cotangent has shape "):
        adjoint(pulled_back).primal(x, direction[:6])


def test_second_order_through_a_loop():
    import sympy as sp

    s = sp.Symbol("x")
    formula = s * sp.sin(s) ** 12
    for order, f in enumerate([powers, grad(powers), grad(grad(powers))]):
        assert grad(f)(0.7, 12) == pytest.approx(
            float(sp.diff(formula, s, order + 1).subs(s, 0.7)), rel=1e-11
        )


# ---- one artefact for many calls ----


def shapes(x, w):
    total = 0.0
    for i in range(1, x.shape[0]):
        total = total + np.sin(x[i - 1]) * x[i]
    return total + np.sum((x[1:] - x[:-1]) ** 2) + np.sum(np.exp(-w * w))


def test_one_artefact_serves_all_sizes():
    rng = np.random.default_rng(0)
    g = adjoint(shapes, (0, 1))
    for n, m in [(7, 9), *rng.choice([0, *range(5, 201)], (50, 2))]:
        x, w = rng.normal(size=n), rng.normal(size=m)
        gx, gw = g(x, w)
        np.testing.assert_allclose(gw, -2 * w * np.exp(-w * w), rtol=1e-13)
        want = np.zeros(n)
        for i in range(1, n):
            want[i - 1] += np.cos(x[i - 1]) * x[i] - 2 * (x[i] - x[i - 1])
            want[i] += np.sin(x[i - 1]) + 2 * (x[i] - x[i - 1])
        np.testing.assert_allclose(gx, want, rtol=1e-12, atol=1e-13)
    assert g.specialisations == 1


def test_small_sizes_are_specialised_at_most_once_an_axis():
    g = adjoint(lambda x, y: np.sum(np.sin(x)) * np.sum(y * y), (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (9, 30, 6, 0):
            for m in (8, 3, 12):
                g(np.ones(n), np.ones(m))
    assert g.specialisations <= 4


def test_an_int_is_compiled_once():
    g = adjoint(powers)
    for k in range(1, 201):
        assert np.isfinite(g(0.7, k))
    assert g.specialisations == 1


def test_layout_compiles_nothing_new():
    g = adjoint(lambda x: np.sum(np.sin(x) * x))
    x = np.arange(30.0).reshape(5, 6)
    want = np.cos(x) * x + np.sin(x)
    readonly = x.copy()
    readonly.flags.writeable = False
    strided = np.zeros((10, 12))
    strided[::2, ::2] = x
    for array in (x, np.asfortranarray(x), readonly, strided[::2, ::2], x.astype(">f8"), x[::-1][::-1]):
        np.testing.assert_allclose(g(array), want, rtol=1e-14)
    assert g.specialisations == 1


def test_two_gradients_of_different_functions_are_different():
    first, second = grad(grad(lambda x: x**3)), grad(grad(lambda x: x**4))
    assert first(2.0) == pytest.approx(12.0) and second(2.0) == pytest.approx(48.0)


# ---- arithmetic as written ----


def kahan(x):
    total, compensation = 0.0, 0.0
    for i in range(x.shape[0]):
        y = x[i] - compensation
        t = total + y
        compensation = (t - total) - y
        total = t
    return total


def two_sum(a, b):
    s = a + b
    bb = s - a
    return s, (a - (s - bb)) + (b - bb)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_arithmetic_is_compiled_as_written(backend):
    rng = np.random.default_rng(1)
    x = rng.normal(size=1000) * 10.0 ** rng.integers(-10, 10, 1000)
    assert adjoint(kahan, backend=backend).primal(x) == kahan(x)
    a, b = 1.0, 1e-17
    assert adjoint(two_sum, backend=backend).primal(a, b) == two_sum(a, b)
    assert adjoint(lambda x: x * 1e200 * 1e200, backend=backend).primal(0.0) == 0.0
    tiny = 5e-324
    assert adjoint(lambda x, y: x / y, backend=backend).primal(tiny, 2.0) == np.float64(tiny) / 2.0
    assert adjoint(lambda x, y: x / y, backend=backend).primal(tiny * 8, tiny * 2) == 4.0


# ---- bad input ----


def test_nan_and_infinity_work_as_in_numpy():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(grad(lambda x: np.sum(x * x))(x), 2 * x)


def test_empty_arrays():
    assert grad(lambda x: np.sum(x * x))(np.zeros(0)).shape == (0,)
    with pytest.raises(ValueError, match="zero-size array to reduction operation"):
        grad(lambda x: np.max(x))(np.zeros(0))


BAD = [
    (lambda: grad(lambda k: k * 2)(3), DerivativeError, "argument `k` is an int, and has no derivative"),
    (
        lambda: grad(lambda x: np.sin(x))(np.ones(5)),
        DerivativeError,
        "returns an array of f64[n], and a gradient",
    ),
    (lambda: grad(lambda x: (x, x))(1.0), DerivativeError, "returns several values, and a gradient"),
    (lambda: grad(lambda x, y: np.sum(x + y))(np.ones(5), np.ones(6)), ValueError, "could not be broadcast"),
    (lambda: grad(lambda x: np.sum(x))(np.ones(3, complex)), DTypeError, "argument `x`: dtype complex128"),
    (lambda: grad(lambda x: np.sum(x))(np.ones(3, np.longdouble)), DTypeError, "argument `x`: dtype "),
    (lambda: grad(cube, backend="gpu"), ArgumentError, "there is no backend 'gpu'"),
    (lambda: adjoint(cube, plan="square"), ArgumentError, "plan='square' is not available"),
    (lambda: grad(cube, 1)(2.0), ArgumentError, "argnums=1, but the function has 1 arguments"),
    (lambda: adjoint(cube, argnames="y")(2.0), ArgumentError, "there is no argument `y`"),
    (lambda: grad(cube)(2.0, 3.0), ArgumentError, "too many positional arguments"),
    (lambda: grad(lambda x: 1)(2.0), DerivativeError, "depends on no argument"),
    (lambda: grad(cube, colour="red"), ArgumentError, "unknown option 'colour'"),
    (lambda: jvp(cube, (1.0,), ()), ArgumentError, "1 primals and 0 tangents"),
    (lambda: vjp(cube, 1.0)[1](np.ones(3)), ArgumentError, "the cotangent has shape (3,)"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_gets_a_clear_error(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_impure_calls_are_refused():
    def noisy(x):
        return x * np.random.normal()

    with pytest.raises(CaptureError) as caught:
        grad(noisy)(1.0)
    assert "normal" in str(caught.value) and "test_api.py" in str(caught.value)


# ---- processes ----


def run_python(code: str, **env: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_next_process_compiles_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np
        import adcompiler
        def f(x):
            total = 0.0
            for i in range(x.shape[0]):
                total = total + np.sin(x[i])
            return total
        g = adcompiler.adjoint(f)
        print(g(np.arange(9.0)).sum(), adcompiler.compilations())
        """)
    )
    code = f"import runpy; runpy.run_path({str(script)!r})"
    first = run_python(code, ADCOMPILER_CACHE_DIR=str(tmp_path / "cache")).split()
    second = run_python(code, ADCOMPILER_CACHE_DIR=str(tmp_path / "cache")).split()
    assert first[0] == second[0] and int(first[1]) > 0 and int(second[1]) == 0


def test_public_names():
    assert {"adjoint", "grad", "value_and_grad", "jvp", "vjp", "check_grads"} <= set(dir(adcompiler))


def test_vjp_inside_a_captured_function():
    x, y = np.array([0.3, -0.8, 1.4]), np.array([1.5, 0.2, -0.7])

    def joined(x, y):
        value, pullback = vjp(lambda a, b: np.sin(a) * b, x, y)
        x_bar, y_bar = pullback(np.ones(3))
        return np.sum(value + x_bar * y_bar)

    def with_aux(x):
        value, pullback, aux = vjp(lambda a: (np.sum(a * a), a[0]), x, has_aux=True)
        (x_bar,) = pullback(2.0)
        return value + aux + np.sum(x_bar * x_bar)

    np.testing.assert_allclose(adjoint(joined)(x, y), y * (np.cos(x) + np.cos(2.0 * x)), rtol=1e-14)
    np.testing.assert_allclose(adjoint(with_aux)(x), 34.0 * x + np.array([1.0, 0.0, 0.0]), rtol=1e-14)
