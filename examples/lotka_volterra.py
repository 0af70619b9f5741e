"""Predator and prey: the Lotka-Volterra equations calibrated to two decades of the fur trade.

    d hare / dt = ( alpha - beta lynx) hare
    d lynx / dt = (-gamma + delta hare) lynx

The data are the pelts of hare and lynx that the Hudson's Bay Company traded in 1900-1920. Four rates and two
initial populations are fitted, in log space so that all stay positive, by least squares on the logarithm of
the populations. `loss` and what it calls are plain Python and NumPy; the rest is the demonstration: the fit
with the compiled gradient, its proof, its price, and the same fit with finite differences.

A Bayesian treatment of the same data and equations: B. Carpenter, "Predator-prey population dynamics: the
Lotka-Volterra model in Stan" (2018). Its posterior means stand beside the fit.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data" / "hudson_bay.csv"
STEPS_PER_YEAR = 25
PERIOD = 10.0  # years from one peak of the hare to the next, as the data show it
NAMES = ("alpha", "beta", "gamma", "delta", "hare in 1900", "lynx in 1900")
STAN = (0.55, 0.028, 0.80, 0.024)
OPTIMUM = (0.540, 0.0272, 0.796, 0.0237, 34.6, 5.84)
OPTIMAL_LOSS = 2.0187


def velocity(hare, lynx, rates):
    alpha, beta, gamma, delta = rates
    return (alpha - beta * lynx) * hare, (delta * hare - gamma) * lynx


def rk4_step(hare, lynx, rates, dt):
    h1, l1 = velocity(hare, lynx, rates)
    h2, l2 = velocity(hare + dt / 2 * h1, lynx + dt / 2 * l1, rates)
    h3, l3 = velocity(hare + dt / 2 * h2, lynx + dt / 2 * l2, rates)
    h4, l4 = velocity(hare + dt * h3, lynx + dt * l3, rates)
    return hare + dt / 6 * (h1 + 2 * h2 + 2 * h3 + h4), lynx + dt / 6 * (l1 + 2 * l2 + 2 * l3 + l4)


def loss(theta, log_hare, log_lynx, steps):
    """Sum of squared residuals of the log populations; `theta` holds the logarithms of `NAMES`."""
    alpha, beta, gamma, delta, hare, lynx = np.exp(theta)
    rates = (alpha, beta, gamma, delta)
    total = (np.log(hare) - log_hare[0]) ** 2 + (np.log(lynx) - log_lynx[0]) ** 2
    for year in range(1, len(log_hare)):
        for _ in range(steps):
            hare, lynx = rk4_step(hare, lynx, rates, 1.0 / steps)
        total += (np.log(hare) - log_hare[year]) ** 2 + (np.log(lynx) - log_lynx[year]) ** 2
    return total


@dataclass(frozen=True)
class Report:
    """What the demonstration found.

    Attributes
    ----------
    parameters : six floats, in the order of `NAMES`; rates per year, populations in thousands of pelts.
    loss : sum of squared residuals at the optimum.
    gradient_evaluations, difference_evaluations : calls of `loss` with its gradient in the fit, and of `loss`
        alone where finite differences take the gradient's place.
    verdict : what the verification proved of the gradient, at the first guess, where it is far from zero.
    primal_seconds, gradient_seconds : medians of one call, of the loss and of the loss with its gradient.
    compilations : machine code compiled by this process; 0 when all of it came from the cache.
    plot : file of the figure, or None.
    """

    parameters: tuple[float, ...]
    loss: float
    gradient_evaluations: int
    difference_evaluations: int
    verdict: str
    primal_seconds: float
    gradient_seconds: float
    compilations: int
    plot: str | None

    @property
    def reached(self) -> bool:
        """Whether the fit is the known optimum, to three digits of each parameter."""
        return bool(np.allclose(self.parameters, OPTIMUM, rtol=2e-3) and abs(self.loss - OPTIMAL_LOSS) < 1e-4)

    def __str__(self) -> str:
        ratio = self.gradient_seconds / self.primal_seconds
        return "\n".join(
            [
                "Lotka-Volterra equations, hare and lynx pelts of the Hudson's Bay Company 1900-1920",
                f"{'':14} {'fit':>8} {'optimum':>8} {'Stan':>8}",
                *_rows(self.parameters),
                f"{'loss':14} {self.loss:8.4f} {OPTIMAL_LOSS:8.4f}",
                f"fit            {self.gradient_evaluations} gradients; "
                f"finite differences need {self.difference_evaluations} evaluations of the loss",
                f"cost           loss {self.primal_seconds * 1e6:.1f} us, with gradient "
                f"{self.gradient_seconds * 1e6:.1f} us: {ratio:.2f} times the loss",
                f"verification   {self.verdict}",
                f"compiled       {self.compilations} in this process",
                *([f"figure         {self.plot}"] if self.plot else []),
            ]
        )


def _rows(parameters: tuple[float, ...]) -> list[str]:
    """The table of the parameters: the fit, the known optimum, and Stan's estimate where there is one."""
    fits = [
        f"{name:14} {fitted:#8.3g} {known:#8.3g}"
        for name, fitted, known in zip(NAMES, parameters, OPTIMUM, strict=True)
    ]
    return [f"{row} {rate:#8.2g}" for row, rate in zip(fits, STAN, strict=False)] + fits[len(STAN) :]


def observations() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Years, hares and lynxes, in thousands of pelts."""
    year, hare, lynx = np.genfromtxt(DATA, delimiter=",", skip_header=2, unpack=True)
    return year, hare, lynx


def first_guess(hare: np.ndarray, lynx: np.ndarray) -> np.ndarray:
    """Where the fit starts, read off the data by Volterra's laws.

    Over a whole period the populations average gamma / delta and alpha / beta, and small oscillations take
    2 pi / sqrt(alpha gamma) (V. Volterra, "Variazioni e fluttuazioni del numero d'individui in specie animali
    conviventi", 1926).
    """
    frequency = 2 * np.pi / PERIOD
    return np.log([frequency, frequency / lynx.mean(), frequency, frequency / hare.mean(), hare[0], lynx[0]])


def run(plot: str | Path | None = None) -> Report:
    """Fit, verify and time; write the figure to `plot`, as a PNG, if given."""
    from scipy.optimize import minimize

    import adcompiler

    _, hare, lynx = observations()
    data = (np.log(hare), np.log(lynx), STEPS_PER_YEAR)
    start = first_guess(hare, lynx)
    gradient = adcompiler.adjoint(loss)
    fit = minimize(gradient.value_and_grad, start, args=data, jac=True, method="BFGS")
    differences = minimize(gradient.primal, start, args=data, method="BFGS")
    if plot is not None:
        draw(fit.x, plot)
    return Report(
        parameters=tuple(np.exp(fit.x).tolist()),
        loss=float(fit.fun),
        gradient_evaluations=fit.nfev,
        difference_evaluations=differences.nfev,
        verdict=str(adcompiler.verify(loss, start, *data)),
        primal_seconds=median_seconds(gradient.primal, fit.x, *data),
        gradient_seconds=median_seconds(gradient.value_and_grad, fit.x, *data),
        compilations=adcompiler.compilations(),
        plot=None if plot is None else str(plot),
    )


def median_seconds(function, *args, calls=501) -> float:
    """The median time of one call."""

    def once() -> float:
        begin = time.perf_counter()
        function(*args)
        return time.perf_counter() - begin

    return statistics.median(once() for _ in range(calls))


def trajectory(theta: np.ndarray, years: int, steps: int = STEPS_PER_YEAR) -> np.ndarray:
    """Hares and lynxes at every step, shape (years * steps + 1, 2)."""
    *rates, hare, lynx = np.exp(theta)
    states = [(hare, lynx)]
    for _ in range(years * steps):
        states.append(rk4_step(*states[-1], rates, 1.0 / steps))
    return np.array(states)


def draw(theta: np.ndarray, path: str | Path) -> None:
    """Write a PNG of the data (dots) and the fitted populations (lines)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    year, hare, lynx = observations()
    fitted = trajectory(theta, len(year) - 1)
    time_axis = np.linspace(year[0], year[-1], len(fitted))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="year", ylabel="pelts (thousands)", xticks=year[::4], ylim=(0, 95))
    for name, colour, pelts, curve in zip(("hare", "lynx"), "br", (hare, lynx), fitted.T, strict=True):
        axes.plot(time_axis, curve, f"{colour}-", label=f"{name}, fitted")
        axes.plot(year, pelts, f"{colour}o", label=f"{name}, observed")
    axes.set_title("Lotka-Volterra equations fitted to the pelts of the Hudson's Bay Company")
    axes.legend(ncols=2, frameon=False)
    FigureCanvasAgg(figure).print_png(str(path))


if __name__ == "__main__":
    print(run("lotka_volterra.png"))
