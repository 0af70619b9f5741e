"""Kepler's equation by Newton's method: a `while` for each planet, left when it is exact enough.

The eccentric anomaly E solves E - e sin(E) = M for the mean anomaly M and the eccentricity e (radians). What
the derivatives must be is known: dE/dM = 1 / (1 - e cos(E)) and dE/de = sin(E) / (1 - e cos(E)). What is
differentiated is the program: where the first guess is exact already (e = 0) no step is made that mentions e,
and the derivative by e is 0.
"""

import math

import numpy as np


def eccentric_anomaly(mean, eccentricity):
    """E for each planet, from arrays of M and e."""
    anomaly = np.empty(len(mean))
    for i in range(len(mean)):
        e = eccentricity[i]
        guess = mean[i]
        miss = guess - e * math.sin(guess) - mean[i]
        while abs(miss) > 1e-12:
            guess -= miss / (1.0 - e * math.cos(guess))
            miss = guess - e * math.sin(guess) - mean[i]
        anomaly[i] = guess
    return anomaly


def total(mean, eccentricity):
    """The sum of all anomalies: its gradient has the derivative of each."""
    return np.sum(eccentric_anomaly(mean, eccentricity))


if __name__ == "__main__":
    from adcompiler import adjoint

    # Mercury, Venus, Earth, Mars, Jupiter (NASA planetary fact sheet)
    eccentricity = np.array([0.2056, 0.0068, 0.0167, 0.0935, 0.0487])
    mean = np.linspace(0.5, 2.5, 5)
    by_mean, by_eccentricity = adjoint(total, argnums=(0, 1))(mean, eccentricity)
    print("dE/dM =", by_mean)
    print("dE/de =", by_eccentricity)
