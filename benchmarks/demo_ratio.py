"""The price of a gradient: the Runge-Kutta loop of the demonstration, its compiled gradient, and one by hand.

The adjoint by hand stores the state before every step, and walks back through the four stages; Numba compiles
it with the same options.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit

from adcompiler import adjoint

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import lotka_volterra as demo  # noqa: E402

BAR = 4.0  # gradient / primal
ROUNDS, CALLS = 51, 50
as_generated = njit(error_model="numpy", fastmath={"contract"}, nogil=True)


@as_generated
def velocity(hare, lynx, rates):
    alpha, beta, gamma, delta = rates
    return (alpha - beta * lynx) * hare, (delta * hare - gamma) * lynx


@as_generated
def velocity_adjoint(hare, lynx, rates, hare_bar, lynx_bar, rates_bar):
    """The cotangents of hare and lynx; those of the rates are added up in `rates_bar`."""
    alpha, beta, gamma, delta = rates
    rates_bar[0] += hare * hare_bar
    rates_bar[1] -= lynx * hare * hare_bar
    rates_bar[2] -= lynx * lynx_bar
    rates_bar[3] += hare * lynx * lynx_bar
    return (
        (alpha - beta * lynx) * hare_bar + delta * lynx * lynx_bar,
        (delta * hare - gamma) * lynx_bar - beta * hare * hare_bar,
    )


@as_generated
def rk4_step(hare, lynx, rates, dt):
    h1, l1 = velocity(hare, lynx, rates)
    h2, l2 = velocity(hare + dt / 2 * h1, lynx + dt / 2 * l1, rates)
    h3, l3 = velocity(hare + dt / 2 * h2, lynx + dt / 2 * l2, rates)
    h4, l4 = velocity(hare + dt * h3, lynx + dt * l3, rates)
    return hare + dt / 6 * (h1 + 2 * h2 + 2 * h3 + h4), lynx + dt / 6 * (l1 + 2 * l2 + 2 * l3 + l4)


@as_generated
def rk4_step_adjoint(hare, lynx, rates, dt, hare_bar, lynx_bar, rates_bar):
    h1, l1 = velocity(hare, lynx, rates)
    h2, l2 = velocity(hare + dt / 2 * h1, lynx + dt / 2 * l1, rates)
    h3, l3 = velocity(hare + dt / 2 * h2, lynx + dt / 2 * l2, rates)
    third, sixth = dt / 3, dt / 6
    at4 = hare + dt * h3, lynx + dt * l3
    x4, y4 = velocity_adjoint(at4[0], at4[1], rates, sixth * hare_bar, sixth * lynx_bar, rates_bar)
    h3_bar, l3_bar = third * hare_bar + dt * x4, third * lynx_bar + dt * y4
    at3 = hare + dt / 2 * h2, lynx + dt / 2 * l2
    x3, y3 = velocity_adjoint(at3[0], at3[1], rates, h3_bar, l3_bar, rates_bar)
    h2_bar, l2_bar = third * hare_bar + dt / 2 * x3, third * lynx_bar + dt / 2 * y3
    at2 = hare + dt / 2 * h1, lynx + dt / 2 * l1
    x2, y2 = velocity_adjoint(at2[0], at2[1], rates, h2_bar, l2_bar, rates_bar)
    h1_bar, l1_bar = sixth * hare_bar + dt / 2 * x2, sixth * lynx_bar + dt / 2 * y2
    x1, y1 = velocity_adjoint(hare, lynx, rates, h1_bar, l1_bar, rates_bar)
    return hare_bar + x1 + x2 + x3 + x4, lynx_bar + y1 + y2 + y3 + y4


@as_generated
def by_hand(theta, log_hare, log_lynx, steps):
    """The loss of the demonstration, and its gradient."""
    alpha, beta, gamma, delta, hare, lynx = np.exp(theta)
    rates, dt, years = (alpha, beta, gamma, delta), 1.0 / steps, len(log_hare)
    states = np.empty(((years - 1) * steps + 1, 2))
    states[0] = hare, lynx
    total = (np.log(hare) - log_hare[0]) ** 2 + (np.log(lynx) - log_lynx[0]) ** 2
    for year in range(1, years):
        for k in range((year - 1) * steps, year * steps):
            hare, lynx = rk4_step(hare, lynx, rates, dt)
            states[k + 1] = hare, lynx
        total += (np.log(hare) - log_hare[year]) ** 2 + (np.log(lynx) - log_lynx[year]) ** 2
    hare_bar = lynx_bar = 0.0
    rates_bar = np.zeros(4)
    for year in range(years - 1, -1, -1):
        hare, lynx = states[year * steps]
        hare_bar += 2 * (np.log(hare) - log_hare[year]) / hare
        lynx_bar += 2 * (np.log(lynx) - log_lynx[year]) / lynx
        for k in range(year * steps - 1, (year - 1) * steps - 1 if year else -1, -1):
            hare, lynx = states[k]
            hare_bar, lynx_bar = rk4_step_adjoint(hare, lynx, rates, dt, hare_bar, lynx_bar, rates_bar)
    gradient = np.empty(6)
    gradient[:4], gradient[4], gradient[5] = rates_bar, hare_bar, lynx_bar
    return total, gradient * np.exp(theta)


def seconds_a_call(function, args):
    begin = time.perf_counter()
    for _ in range(CALLS):
        function(*args)
    return (time.perf_counter() - begin) / CALLS


def main():
    _, hare, lynx = demo.observations()
    args = (demo.first_guess(hare, lynx), np.log(hare), np.log(lynx), demo.STEPS_PER_YEAR)
    compiled = adjoint(demo.loss)
    functions = {
        "loss": compiled.primal,
        "loss and gradient": compiled.value_and_grad,
        "loss and gradient, by hand": by_hand,
    }
    for ours, hand in zip(compiled.value_and_grad(*args), by_hand(*args), strict=True):
        np.testing.assert_allclose(ours, hand, rtol=1e-9)
    times = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(seconds_a_call(function, args))
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"{'500 Runge-Kutta steps':28} {'median':>9} {'of the loss':>12}")
    for name, median in medians.items():
        print(f"{name:28} {median * 1e6:6.1f} us {median / medians['loss']:12.2f}")
    met = medians["loss and gradient"] <= BAR * medians["loss"]
    print(f"the bar of {BAR:.0f} times the loss is {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
