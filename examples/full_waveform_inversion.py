"""Full-waveform inversion: the wave speed of the ground between two boreholes, from recorded traces.

Pressure u (arbitrary units) in a plane of grid cells h metres wide, with the speed c in m/s of each cell,
the time step dt in s, and a damping in 1/s that swallows what leaves the region:

    d2u/dt2 + damping du/dt = c^2 (d2u/dx2 + d2u/dy2) + source

Second differences in space and time: stable for c dt / h < 1 / sqrt(2), here 0.22 at most. Shots go off in
the left borehole, one after the other, and receivers in the right one record. The misfit to what they
recorded is minimised over the speed of every cell, from a uniform guess (A. Tarantola, "Inversion of seismic
reflection data in the acoustic approximation", Geophysics 49, 1984). Its gradient needs the curvature of u
at every step: of a field of 100 by 100 cells and 2,000 steps, 154 MB.

The damping grows with the square of the depth into a frame, as in C. Cerjan et al., "A nonreflecting boundary
condition for discrete acoustic and elastic wave equations", Geophysics 50, 1985, where it is exponential.
"""

import argparse
from dataclasses import dataclass

import numpy as np

BACKGROUND, ANOMALY = 2000.0, 150.0  # m/s, and by how much more in the middle
SPACING, TIME_STEP = 5.0, 0.5e-3  # m, s
FREQUENCY = 25.0  # Hz, the peak of the wavelet: 80 m, 16 cells a wave
FRAME, STRONGEST = 20, 200.0  # cells of damping at each edge, 1/s
SHOTS = 6


def record(c, wavelet, source, receivers, damping, h, dt):
    """What the receivers record, one row a time step, when the wavelet goes off in the cell `source`."""
    u_prev = np.zeros_like(c)
    u = np.zeros_like(c)
    traces = np.empty((len(wavelet), len(receivers[0])))
    decay = 0.5 * dt * damping[1:-1, 1:-1]
    for t in range(len(wavelet)):
        lap = (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]) / h**2
        push = dt**2 * c[1:-1, 1:-1] ** 2 * lap
        u_next = np.zeros_like(c)
        u_next[1:-1, 1:-1] = (2.0 * u[1:-1, 1:-1] - (1.0 - decay) * u_prev[1:-1, 1:-1] + push) / (1.0 + decay)
        u_next[source] += dt**2 * wavelet[t]
        traces[t] = u_next[receivers]
        u_prev, u = u, u_next
    return traces


def misfit(c, wavelet, source, receivers, damping, h, dt, observed):
    """Half the sum of squared differences from the observed traces."""
    difference = record(c, wavelet, source, receivers, damping, h, dt) - observed
    return 0.5 * np.sum(difference**2)


def ricker(steps, dt, frequency):
    """The second derivative of a Gaussian, its peak after one and a half periods."""
    phase = (np.pi * frequency * (np.arange(steps) * dt - 1.5 / frequency)) ** 2
    return 1e6 * (1.0 - 2.0 * phase) * np.exp(-phase)


def frame(grid, width=FRAME, strongest=STRONGEST):
    """The damping of each cell, in 1/s."""
    depth = np.clip(width - np.minimum(np.arange(grid), np.arange(grid)[::-1]), 0, None) / width
    return strongest * np.maximum(depth[:, None], depth[None, :]) ** 2


def ground(grid, anomaly=ANOMALY):
    """The speed of each cell: the background, with a faster disc in the middle."""
    y, x = np.mgrid[:grid, :grid] - (grid - 1) / 2
    return BACKGROUND + anomaly * (x**2 + y**2 < (0.12 * grid) ** 2)


@dataclass(frozen=True)
class Survey:
    """Shots and receivers around ground of `grid` by `grid` cells, recorded for `steps` time steps."""

    grid: int
    steps: int
    shots: int = SHOTS

    @property
    def margin(self):
        """Cells between an edge of the grid and the boreholes."""
        return FRAME + 2

    @property
    def sources(self):
        """The cell of each shot, (row, column)."""
        rows = np.linspace(self.margin, self.grid - 1 - self.margin, self.shots).round().astype(int)
        return [(int(row), self.margin) for row in rows]

    @property
    def receivers(self):
        """Rows and columns of the receivers, every other cell of a column."""
        rows = np.arange(self.margin, self.grid - self.margin, 2)
        return rows, np.full(len(rows), self.grid - 1 - self.margin)

    def shot(self, source):
        """The arguments of `record` after the speed."""
        wavelet = ricker(self.steps, TIME_STEP, FREQUENCY)
        return wavelet, source, self.receivers, frame(self.grid), SPACING, TIME_STEP

    def observed(self, c):
        """The arguments of `misfit` after the speed, for each shot over ground of speed c."""
        shots = map(self.shot, self.sources)
        return [(*shot, record(c, *shot)) for shot in shots]


def invert(value_and_grad, shots, guess, iterations):
    """The speed that L-BFGS finds, and the misfit of the guess and after each iteration.

    It sees the speed in km/s and the misfit as a share of the first: both about 1, as its first step expects.
    """
    from scipy.optimize import minimize

    def of_all(c):
        values, gradients = zip(*(value_and_grad(c, *shot) for shot in shots), strict=True)
        return sum(values), sum(gradients)

    def scaled(kilometres):
        value, gradient = of_all(1e3 * kilometres.reshape(guess.shape))
        return value / first, 1e3 * gradient.ravel() / first

    def keep(intermediate_result):
        misfits.append(first * intermediate_result.fun)

    first, _ = of_all(guess)
    misfits = [first]
    start, options = 1e-3 * guess.ravel(), {"maxiter": iterations}
    found = minimize(scaled, start, jac=True, method="L-BFGS-B", callback=keep, options=options)
    return 1e3 * found.x.reshape(guess.shape), misfits


def picture(c, rows=20, columns=40):
    """The speed in characters, from the background to the anomaly."""
    shades = " .:-=+*#%@"
    y, x = (np.linspace(0, len(c) - 1, n).round().astype(int) for n in (rows, columns))
    levels = (c[np.ix_(y, x)] - BACKGROUND) / ANOMALY * len(shades)
    levels = np.clip(levels, 0, len(shades) - 1).astype(int)
    return "\n".join("".join(shades[k] for k in row) for row in levels)


def main():
    from adcompiler import Budget, value_and_grad

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--grid", type=int, default=100, help="cells along each side")
    options.add_argument("--steps", type=int, default=2000, help=f"time steps of {TIME_STEP} s")
    options.add_argument("--iterations", type=int, default=15, help="of L-BFGS")
    options.add_argument("--budget", help='memory of a gradient, "16 MB"; by default a field a step is kept')
    chosen = options.parse_args()
    truth = ground(chosen.grid)
    shots = Survey(chosen.grid, chosen.steps).observed(truth)
    guess = np.full_like(truth, BACKGROUND)
    plan = Budget(chosen.budget) if chosen.budget else "auto"
    c, misfits = invert(value_and_grad(misfit, plan=plan), shots, guess, chosen.iterations)
    inside = truth > BACKGROUND
    print(picture(c))
    print("misfit:", *(f"{m:.3g}" for m in misfits))
    print(f"speed in the disc: {c[inside].mean():.0f} m/s, {truth.max():.0f} are true")
    print(f"elsewhere: {c[~inside].mean():.0f} m/s, {BACKGROUND:.0f} are true")


if __name__ == "__main__":
    main()
