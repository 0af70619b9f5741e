"""The example files: gradients against formulas worked out by hand, fits against published numbers."""

import importlib.util
import runpy
import sys
from dataclasses import asdict
from json import dumps, loads
from math import cos, sin
from pathlib import Path

import numpy as np
import pytest

from adcompiler import adjoint, value_and_grad

EXAMPLES = Path(__file__).parent.parent / "examples"
EPS = np.finfo(float).eps


def load(name):
    """The example as a module; the folder is no package, and its files import nothing from one another."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


expression = load("expression")
two_layer = load("two_layer")
power = load("power")
logistic_regression = load("logistic_regression")
lotka_volterra = load("lotka_volterra")
kepler = load("kepler")
smoothing = load("smoothing")


def test_expression_is_exact():
    value, gradients = adjoint(expression.loss, argnums=(0, 1, 2)).value_and_grad(2.0, -3.0, 10.0)
    assert value == 16.0
    assert gradients == (-24.0, 16.0, 8.0)


@pytest.mark.parametrize(("a", "b", "c"), [(0.1, 0.7, -0.3), (1e3, -1e-3, 5.0), (-2.5, 0.0, 0.25)])
def test_expression_follows_its_formula(a, b, c):
    slope = 2.0 * (a * b + c)
    gradients = adjoint(expression.loss, argnums=(0, 1, 2))(a, b, c)
    np.testing.assert_allclose(gradients, (slope * b, slope * a, slope), rtol=1e-15, atol=0.0)


def test_square_of_sum_is_exact():
    assert adjoint(expression.square_of_sum, argnums=(0, 1))(2.0, 3.0) == (10.0, 10.0)


TWO_LAYER_GRADIENT = {
    "w1": [[-0.043, -0.086], [-0.0516, -0.1032]],
    "b1": [-0.043, -0.0516],
    "w2": [[-0.04386, -0.09632]],
    "b2": -0.086,
    "x": [-0.01978, -0.02924],
    "y": 0.086,
}


def test_two_layer_network_as_by_hand():
    names = tuple(TWO_LAYER_GRADIENT)
    value, gradients = adjoint(two_layer.loss, argnames=names).value_and_grad(*two_layer.example())
    assert value == pytest.approx(0.001849, abs=1e-15)
    for name, by_hand in TWO_LAYER_GRADIENT.items():
        np.testing.assert_allclose(gradients[name], by_hand, rtol=0.0, atol=1e-15, err_msg=name)


def test_two_layer_network_with_a_silent_unit():
    """b1[0] = -1 puts z1[0] at -0.49: nothing flows through the first unit; z2' = 2 (0.702 - 1) = -0.596."""
    w1, _, w2, b2, x, y = two_layer.example()
    args = (w1, np.array([-1.0, 0.02]), w2, b2, x, y)
    gradients = adjoint(two_layer.loss, argnames=tuple(TWO_LAYER_GRADIENT))(*args)
    by_hand = {
        "w1": [[0.0, 0.0], [-0.3576, -0.7152]],
        "b1": [0.0, -0.3576],
        "w2": [[0.0, -0.66752]],
        "b2": -0.596,
        "x": [-0.10728, -0.14304],
        "y": 0.596,
    }
    for name, expected in by_hand.items():
        np.testing.assert_allclose(gradients[name], expected, rtol=0.0, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("n", [1, 3, 10, 1000])
def test_power_follows_its_closed_form(n):
    """All terms have one sign at x = 1.5, so that the error grows by a few roundings a factor, not more."""
    value, slope = adjoint(power.power).value_and_grad(1.5, n)
    assert value == pytest.approx(sin(1.5) ** n, rel=4 * n * EPS)
    assert slope == pytest.approx(n * sin(1.5) ** (n - 1) * cos(1.5), rel=4 * n * EPS)


def test_power_of_no_factors_is_constant():
    assert adjoint(power.power).value_and_grad(1.5, 0) == (1.0, 0.0)


def test_logistic_regression_follows_its_formula():
    temperature, damaged, _ = logistic_regression.flights()
    weights = np.array([-1.2, -0.2])
    excess = 1.0 / (1.0 + np.exp(-(weights[0] + weights[1] * temperature))) - damaged
    by_hand = [excess.sum(), excess @ temperature]
    slope = adjoint(logistic_regression.loss)(weights, temperature, damaged)
    np.testing.assert_allclose(slope, by_hand, rtol=1e-13, atol=0.0)


def test_logistic_regression_finds_the_published_estimates():
    compiled = value_and_grad(logistic_regression.loss)
    intercept, slope = logistic_regression.fit(compiled)
    assert intercept == pytest.approx(15.043, abs=1e-3)
    assert slope == pytest.approx(-0.2322, abs=1e-4)


def lotka_volterra_arguments():
    _, hare, lynx = lotka_volterra.observations()
    data = np.log(hare), np.log(lynx), lotka_volterra.STEPS_PER_YEAR
    return lotka_volterra.first_guess(hare, lynx), *data


def test_lotka_volterra_primal_is_the_python_function():
    args = lotka_volterra_arguments()
    assert adjoint(lotka_volterra.loss).primal(*args) == pytest.approx(lotka_volterra.loss(*args), rel=1e-12)


def test_lotka_volterra_gradient_against_the_complex_step():
    """The loss is analytic in theta, so the complex step through plain Python is exact but for rounding."""
    theta, *data = lotka_volterra_arguments()
    steps = theta + 1e-30j * np.eye(len(theta))
    by_complex_step = [lotka_volterra.loss(shifted, *data).imag / 1e-30 for shifted in steps]
    np.testing.assert_allclose(adjoint(lotka_volterra.loss)(theta, *data), by_complex_step, rtol=1e-10)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return lotka_volterra.run(tmp_path_factory.mktemp("figure") / "fit.png")


def test_demo_reaches_the_optimum(report):
    rounded = [f"{value:#.3g}" for value in report.parameters]
    assert rounded == ["0.540", "0.0272", "0.796", "0.0237", "34.6", "5.84"]
    assert f"{report.loss:.4f}" == "2.0187"
    assert report.reached


def test_demo_counts_seven_evaluations_for_each_gradient_of_finite_differences(report):
    assert report.difference_evaluations % 7 == 0
    assert report.gradient_evaluations < 30 < 100 < report.difference_evaluations


def test_demo_prints_fit_beside_the_estimates(report):
    lines = str(report).splitlines()
    assert lines[2:8] == [
        "alpha             0.540    0.540     0.55",
        "beta             0.0272   0.0272    0.028",
        "gamma             0.796    0.796     0.80",
        "delta            0.0237   0.0237    0.024",
        "hare in 1900       34.6     34.6",
        "lynx in 1900       5.84     5.84",
    ]
    assert f"finite differences need {report.difference_evaluations} evaluations" in lines[9]
    assert report.verdict in str(report)


def test_demo_report_is_json(report):
    assert loads(dumps(asdict(report)))["loss"] == report.loss


def test_demo_draws_a_png(report):
    assert Path(report.plot).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expression", "ds/da, ds/db: 10.0 10.0"),
        ("power", "n = 1000: p, dp/dx ="),
        ("two_layer", "dL/dw2 = [[-0.0438"),
        ("logistic_regression", "log odds = 15.043 -0.2322 T,  risk at 31 F: 99.96%"),
    ],
)
def test_example_runs_as_a_script(name, expected, capsys):
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert expected in capsys.readouterr().out


def test_kepler_follows_its_formula():
    mean, e = np.linspace(0.1, 3.0, 7), np.linspace(0.1, 0.9, 7)
    by_mean, by_eccentricity = adjoint(kepler.total, argnums=(0, 1))(mean, e)
    anomaly = kepler.eccentric_anomaly(mean, e)
    # what is differentiated are the steps that were made: the error is as small as the last one
    np.testing.assert_allclose(by_mean, 1 / (1 - e * np.cos(anomaly)), rtol=1e-8)
    np.testing.assert_allclose(by_eccentricity, np.sin(anomaly) / (1 - e * np.cos(anomaly)), rtol=1e-8)


def test_smoothing_is_the_solution_of_its_system():
    n, strength = 9, 0.7
    y, truth = np.random.default_rng(1).normal(size=(2, n))
    differences = np.diff(np.eye(n), axis=0)
    system = np.eye(n) + strength * differences.T @ differences
    u = np.linalg.solve(system, y)
    np.testing.assert_allclose(smoothing.smooth(y, strength), u, rtol=1e-12)
    adjoint_state = np.linalg.solve(system, 2 * (u - truth))
    by_data, by_strength = adjoint(smoothing.distance, argnums=(0, 1))(y, strength, truth)
    np.testing.assert_allclose(by_data, adjoint_state, rtol=1e-10)
    np.testing.assert_allclose(by_strength, -adjoint_state @ differences.T @ differences @ u, rtol=1e-10)


def test_no_step_has_no_derivative():
    """A circle (e = 0) needs no step of the iteration: the program says E = M, whatever e is."""
    assert adjoint(kepler.total, argnums=1)(np.array([1.0]), np.array([0.0])) == [0.0]
